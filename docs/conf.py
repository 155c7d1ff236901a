"""How the guide is built: `python3 dev.py guide` makes the site in `build/guide`. Every warning is an error."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

project = "Waybill"
author = "Waybill"
version = release = installed("waybill")
extensions = ["myst_parser", "docs.generators"]
exclude_patterns = ["generators", "static"]
nitpicky = True
myst_enable_extensions = ["attrs_inline", "colon_fence", "fieldlist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
html_theme = "furo"
html_title = "Waybill"
html_theme_options = {"footer_icons": []}
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_permalinks_icon = "#"
html_static_path = ["static"]
html_css_files = ["guide.css"]
smartquotes = False
highlight_language = "none"
