"""One self-contained page: results in, HTML out, no network."""

from figures.report.page import report_page

__all__ = ["report_page"]
