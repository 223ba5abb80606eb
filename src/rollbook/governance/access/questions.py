"""Questions: which permission each needs; one that is missing here is refused."""

from rollbook.governance.caller import Permission

QUESTIONS: dict[str, Permission] = {
    "totals": "ask_many",
    "active_users": "ask_many",
    "events_by_day": "ask_many",
    "event_distribution": "ask_many",
    "activity_heatmap": "ask_many",
    "retention": "ask_many",
    "retention_periods": "ask_many",
    "retention_curve": "ask_many",
    "cohorts": "ask_many",
    "cohort_analysis": "ask_many",
    "anomalies": "ask_many",
    "model_usage": "ask_many",
    "model_costs": "ask_many",
    "performance": "ask_many",
    "experiment": "ask_many",
    "learners": "ask_person",
    "learner_metrics": "ask_person",
    "engagement": "ask_person",
    "learning_velocity": "ask_person",
    "dropout_risk": "ask_person",
    "intervention": "ask_person",
    "timeline": "ask_person",
    # document 2
    "learning_overview": "ask_person",
    "learning_heatmap": "ask_person",
    "learning_sessions": "ask_person",
    "daily_activity_summary": "ask_person",
    "hourly_analytics_summary": "ask_many",
    "analytics_events": "ask_person",
    "ai_coach_metrics": "ask_person",
    "gamification_progress": "ask_person",
    "gamification_stats": "ask_person",
    "system_metrics": "ask_many",
}
