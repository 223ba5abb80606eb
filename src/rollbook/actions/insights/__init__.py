"""Insights: what is worth knowing among all that can be asked, with its evidence, in words."""

from rollbook.actions.insights.report import InsightReport, Options, ReportRange, report

__all__ = ["InsightReport", "Options", "ReportRange", "report"]
