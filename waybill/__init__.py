"""Waybill's client: what users install and import. It talks HTTP and needs nothing of the server."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("waybill")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+source"
