from multiprocessing import Pool

import mplog

mplog.configure("logs/app.jsonl", rotation="20 MB", retention=10)
log = mplog.get_logger("quickstart")

def pack(order: int) -> None:
    with mplog.context(order=order):
        log.info("packed {parcels} parcels for {town}", parcels=order % 3 + 1, town="Turin")

if __name__ == "__main__":
    with Pool(4) as pool:
        pool.map(pack, range(1000))
    log.info("{orders} orders packed", orders=1000)
