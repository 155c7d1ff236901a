"""The tests in a real browser are collected where `WAYBILL_BROWSER=1` asks for them, and then a browser has to be there."""

import os

collect_ignore = [] if os.environ.get("WAYBILL_BROWSER") == "1" else ["test_page.py"]
