"""Take the project's address from pyproject.toml, its one place."""

from __future__ import annotations

import tomllib
from importlib.metadata import version
from pathlib import Path


def _configure(app, config):
    urls = tomllib.loads(Path(app.confdir, "pyproject.toml").read_text("utf8"))["project"]["urls"]
    config.version = config.release = version("lossedu")
    config.html_baseurl = urls["Documentation"]
    config.html_theme_options.update(
        repository_url=urls["Repository"],
        repository_branch="main",
        use_repository_button=True,
        use_issues_button=True,
        use_edit_page_button=True,
    )


def setup(app):
    app.connect("config-inited", _configure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
