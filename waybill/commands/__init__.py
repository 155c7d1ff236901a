"""The commands of `waybill`, a module for each kind."""
