"""Sphinx configuration: MyST pages, furo, every reference checked."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "clearspan"
author = "The clearspan maintainers"
copyright = "The clearspan maintainers. Apache License 2.0"
version = release = installed_version("clearspan")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"clearspan {release}"

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
# Pages link to files of the repository that are not pages.
myst_all_links_external = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

nitpicky = True
# Names outside clearspan are not looked up: the build fetches no inventory of another project.
nitpick_ignore_regex = [
    ("py:.*", r"(?!clearspan\b).*"),
    # Bases and type variables that a reader need not know.
    (
        "py:.*",
        r"clearspan\.(assess|capture|choice|policy|core|offline|provider|testing|exporters|record)\..*",
    ),
]
