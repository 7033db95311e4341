"""What runs in the application's processes: Logger, context, the stdlib handler, and their way to
the lane.
"""
