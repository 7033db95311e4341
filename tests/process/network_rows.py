"""The faults of far sides: row, what befalls them, how, what holds besides, which tests.

`fault_rows.py` makes its second table of them.
"""

from __future__ import annotations

TLS, SYSLOG, SERVICE = (f"tests/sinks/test_{name}.py" for name in ("tls", "syslog", "service"))
SERVERS, RESTARTS = "tests/sinks/test_syslog_servers.py", "tests/sinks/test_syslog_restarts.py"
JOURNALD, REMOTE, PARTITION = (
    f"tests/sinks/test_{name}.py" for name in ("journald", "journal_remote", "partition")
)
CONSOLE, NETWORK_OF_ITS_OWN = (
    f"tests/sinks/test_{name}.py" for name in ("console_faults", "own_network")
)
APART, OWN_PROCESS = "tests/process/test_apart.py", "tests/writer/apart/test_sink.py"
DATAGRAMS = "tests/sinks/test_datagrams.py"
BREAKER, CHAIN, QUEUE = (
    f"tests/resilience/test_{name}.py" for name in ("breaker", "chain", "queue")
)
KILLS, DECAY, SPOOLED = (
    f"tests/resilience/test_{name}.py" for name in ("spool_kills", "spool_decay", "spooled")
)

NETWORK = [
    (
        "N1", "a reader stops reading", "a scripted peer with a small buffer, whose window closes",
        "the write ends in time, and says to the event how many have arrived",
        ((SYSLOG, "test_what_the_far_side_s_kernel_has_is_done_and_nothing_else"),
         (TLS, "test_what_has_arrived_over_tls_is_done"),
         (SERVICE, "test_a_service_outlives_a_reader_that_stops_and_connections_that_drop")),
    ),
    (
        "N1", "a reader resets the connection", "`SO_LINGER` 0, in the middle of a batch",
        "what follows begins right behind what its kernel had",
        ((SYSLOG, "test_a_reader_that_is_killed_loses_what_it_had_not_read_and_nothing_else"),
         (SYSLOG, "test_a_batch_cut_in_its_middle_goes_on_where_it_was_left")),
    ),
    (
        "N1", "a reader ends the connection now and then", "`shutdown` after some bytes",
        "nothing is lost or doubled: an end is noticed before anything is written",
        ((SYSLOG, "test_connections_dropped_at_random_lose_nothing_and_double_nothing"),
         (SYSLOG, "test_what_is_closed_meanwhile_is_noticed_before_anything_is_written")),
    ),
    (
        "N1", "nobody listens", "a port that nobody has bound; a socket's path without a socket",
        "told by its address, and tried again",
        ((SYSLOG, "test_nobody_there_is_an_error_that_may_pass"),
         (DATAGRAMS, "test_udp_to_nobody_is_noticed_with_the_batch"),
         (JOURNALD, "test_no_journald_is_an_error_that_may_pass")),
    ),
    (
        "N1", "a local socket's queue is full", "a bound socket that nobody reads",
        "given up in time, with the count of those taken",
        ((DATAGRAMS, "test_a_full_queue_of_datagrams_is_given_up_in_time"),
         (JOURNALD, "test_a_journald_that_takes_nothing_is_given_up_in_time")),
    ),
    (
        "N2", "it is away for minutes", "virtual time up to ten minutes; a real chain with a clock",
        "what waits is bounded, keeps its order, and a loss is told; back within half a second",
        ((BREAKER, "test_it_is_back_within_half_a_second_of_the_far_side"),
         (CHAIN, "test_a_dead_sink_is_back_soon_and_has_all_in_order"),
         (CHAIN, "test_it_adds_up_while_everything_fails")),
    ),
    (
        "N2", "it hangs", "a write that does not return",
        "its own thread is held, and left behind at the end; what it holds is reported as left",
        ((QUEUE, "test_a_hanging_sink_holds_nobody"),
         (QUEUE, "test_a_hanging_sink_cannot_hold_the_close")),
    ),
    (
        "N2", "it never gives the interpreter's lock back", "a call of C by `ctypes.PyDLL`",
        "its process alone stands still, and dies with the writer",
        ((APART, "test_a_call_that_keeps_the_interpreter_for_ever_holds_up_nobody"),
         (APART, "test_it_dies_with_its_writer_whatever_call_it_is_in"),
         (OWN_PROCESS, "test_a_call_that_never_returns_ends_with_its_time")),
    ),
    (
        "N2", "its code crashes its process",
        "SIGSEGV, `abort`, `os._exit`, SIGKILL at random under load",
        "what was under way comes again; an event that kills each time is refused",
        ((OWN_PROCESS, "test_a_death_is_a_fault_that_may_pass_and_says_how_it_was"),
         (APART, "test_a_storm_of_deaths_loses_nothing_and_keeps_the_order"),
         (APART, "test_an_event_that_kills_every_process_goes_to_the_fallback_alone")),
    ),
    (
        "N2", "it is away, and the writer is killed", "SIGKILL at each system call of a spool",
        "what was appended is delivered; one batch may come again, under its numbers",
        ((KILLS, "test_a_kill_at_any_call_loses_nothing_and_doubles_one_batch_at_most"),),
    ),
    (
        "N2", "it is away, and the spool's disk fails", "`ENOSPC`, `EIO`, `EINTR`, half a write at "
        "each system call; flipped bits, torn ends, noise, files that are gone",
        "events wait in memory, in order; what cannot be read is counted and told",
        ((KILLS, "test_a_call_that_fails_loses_nothing"),
         (SPOOLED, "test_a_full_disk_sends_events_into_memory_and_back"),
         (DECAY, "test_every_flipped_bit_costs_the_record_that_it_is_in")),
    ),
    (
        "N3", "the network goes silent",
        "`ip link set lo down` in a network namespace; a listener that accepts nobody",
        "noticed in time; nothing is lost or doubled",
        ((PARTITION, "test_a_network_that_goes_silent_is_noticed_and_gone_on_with"),
         (PARTITION, "test_a_connection_that_nobody_accepts_is_given_up_in_time")),
    ),
    (
        "N4", "64 kbit/s is all there is", "`tc qdisc … tbf`, 300 events of 5 KB, then a wide line",
        "what waits, waits in that sink's queue; the file has everything meanwhile",
        ((NETWORK_OF_ITS_OWN, "test_a_narrow_line_holds_up_its_own_sink_alone"),),
    ),
    (
        "N5", "names are not looked up: no answer, SERVFAIL, an address that has moved",
        "a `resolv.conf` of its own in a mount namespace, and a scripted name server",
        "only the sink's own thread asks; the file has everything meanwhile, the far side in the "
        "end, once and in order",
        ((NETWORK_OF_ITS_OWN, "test_a_name_that_cannot_be_looked_up_is_tried_until_it_can"),
         (NETWORK_OF_ITS_OWN,
          "test_a_resolver_that_hangs_does_not_keep_the_service_from_ending")),
    ),
    (
        "N6", "certificates: expired, of another host, of another CA; an old protocol",
        "made with `openssl` for the test", "nothing is sent",
        ((TLS, "test_a_far_side_that_is_not_in_order_gets_nothing"),
         (TLS, "test_without_a_ca_file_the_system_s_are_trusted"),
         (SERVICE, "test_a_service_outlives_every_kind_of_broken_tls")),
    ),
    (
        "N6", "a client's certificate is asked for, or is renewed",
        "TLS 1.2 and 1.3, a scripted peer and the real servers",
        "nothing is taken for delivered that a refusing server was sent",
        ((TLS, "test_a_client_without_a_certificate_is_refused_before_it_has_sent_anything"),
         (TLS, "test_a_file_that_is_missing_may_come"),
         (RESTARTS, "test_a_client_is_asked_for_its_certificate")),
    ),
    (
        "N9", "TLS gibberish, half a record, a cut and a stall in the handshake; then no record",
        "a scripted peer", "all that was logged meanwhile arrives once, in order",
        ((TLS, "test_a_far_side_that_is_not_in_order_gets_nothing"),
         (SERVICE, "test_a_service_outlives_every_kind_of_broken_tls")),
    ),
    (
        "N9", "a syslog server is killed and comes back",
        "SIGKILL to the real rsyslog and syslog-ng; unix socket, TCP, TLS",
        "nothing is lost but what it held in memory, in one piece; no line of the others is torn",
        ((RESTARTS, "test_a_server_that_is_killed_and_comes_back_gets_what_follows"),
         (RESTARTS, "test_kills_under_load_lose_one_piece_each_at_most"),
         (DATAGRAMS, "test_a_local_server_that_comes_back_is_found_again"),
         (SERVICE, "test_a_service_goes_on_with_a_server_that_was_killed")),
    ),
    (
        "N9", "octets counted, or line feeds", "the real rsyslog and syslog-ng",
        "every event once, in order, word by word, hostile content on one line",
        ((SERVERS, "test_every_event_arrives_once_in_order_and_as_it_was"),
         (SYSLOG, "test_a_unix_stream_is_framed_by_line_feeds_and_octets_can_be_asked_for")),
    ),
    (
        "N9", "messages of 64 KiB and more, datagrams that the kernel refuses",
        "the real servers; `EMSGSIZE`", "cut between two characters, and marked",
        ((RESTARTS, "test_a_long_message_is_one_line_whole_or_marked_as_cut"),
         (DATAGRAMS, "test_a_datagram_that_is_too_large_is_cut_and_marked")),
    ),
    (
        "N9", "journald is killed and comes back", "SIGKILL to the real journald",
        "every entry once, in order; `journalctl --verify` passes",
        ((JOURNALD, "test_a_journald_that_is_killed_and_comes_back_is_gone_on_with"),
         (SERVICE, "test_a_service_writes_to_a_journald_that_was_killed_meanwhile")),
    ),
    (
        "N9", "another machine's journal takes over what ours has",
        "the real `systemd-journal-remote`, by its standard input and by HTTP; hostile content",
        "every entry once, in order, field by field; `journalctl --verify` passes",
        ((REMOTE, "test_what_a_journal_exports_stands_in_another_one_event_by_event"),
         (REMOTE, "test_a_remote_that_is_sent_it_by_http_has_the_same"),
         (REMOTE, "test_verify_sees_a_byte_that_another_hand_has_changed")),
    ),
    (
        "N9", "an entry that no datagram of journald holds", "a megabyte and more; `EMSGSIZE`",
        "it goes whole, as a sealed file in memory",
        ((JOURNALD, "test_an_entry_too_large_for_a_datagram_goes_as_a_sealed_file"),
         (JOURNALD, "test_the_kernel_refuses_such_a_datagram_and_gets_a_file")),
    ),
    (
        "N10", "the console is a pipe that nobody reads",
        "`mplog serve` with such a stderr, 5,000 events", "read again, it gets every line; the "
        "service ends when it is told to",
        ((CONSOLE, "test_a_pipe_that_nobody_reads_fills_up_and_is_waited_for"),
         (CONSOLE, "test_a_pipe_that_nobody_reads_does_not_keep_the_service_from_ending")),
    ),
    (
        "N10", "the console is a closed pipe, `/dev/full`, a terminal that has hung up",
        "`mplog serve` with such a stderr", "every event is in the file",
        ((CONSOLE, "test_a_console_that_is_gone_costs_neither_worker_nor_file"),),
    ),
]  # fmt: skip
