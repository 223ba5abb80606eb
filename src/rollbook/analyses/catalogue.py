"""Every question there is. To add one: its file, its test, one line here."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rollbook.analyses.active_users import ActiveUsers
from rollbook.analyses.activity_heatmap import ActivityHeatmap
from rollbook.analyses.anomalies import Anomalies
from rollbook.analyses.behaviour.funnel import Funnel
from rollbook.analyses.behaviour.lifecycle import Lifecycle
from rollbook.analyses.behaviour.paths import Paths
from rollbook.analyses.behaviour.sessions import Sessions
from rollbook.analyses.behaviour.stickiness import Stickiness
from rollbook.analyses.behaviour.survival import Survival
from rollbook.analyses.benchmarks.period_figures import PeriodFigures
from rollbook.analyses.cohort_analysis import CohortAnalysis
from rollbook.analyses.cohorts import Cohorts
from rollbook.analyses.conversations.conversation_channels import ConversationChannels
from rollbook.analyses.conversations.conversation_correlations import ConversationCorrelations
from rollbook.analyses.conversations.conversation_drop_off import ConversationDropOff
from rollbook.analyses.conversations.conversation_flows import ConversationFlows
from rollbook.analyses.conversations.conversation_intents import ConversationIntents
from rollbook.analyses.conversations.conversation_metrics import ConversationMetrics
from rollbook.analyses.conversations.conversation_outcomes import ConversationOutcomes
from rollbook.analyses.conversations.conversation_patterns import ConversationPatterns
from rollbook.analyses.conversations.conversation_sentiment import ConversationSentiment
from rollbook.analyses.conversations.conversation_times import ConversationTimes
from rollbook.analyses.conversations.help_seeking import HelpSeeking
from rollbook.analyses.conversations.topics import Topics
from rollbook.analyses.conversations.unresolved_questions import UnresolvedQuestions
from rollbook.analyses.conversations.user_behavior import UserBehavior
from rollbook.analyses.costs.model_costs import ModelCosts
from rollbook.analyses.costs.model_usage import ModelUsage
from rollbook.analyses.courses.at_risk import AtRisk
from rollbook.analyses.courses.course_activity import CourseActivity
from rollbook.analyses.courses.course_comparison import CourseComparison
from rollbook.analyses.courses.enrolment_tracks import EnrolmentTracks
from rollbook.analyses.courses.enrolments import Enrolments
from rollbook.analyses.courses.grade_distribution import GradeDistribution
from rollbook.analyses.courses.learner_contents import LearnerContents
from rollbook.analyses.courses.learner_progress import LearnerProgress
from rollbook.analyses.courses.pass_rate import PassRate
from rollbook.analyses.event_distribution import EventDistribution
from rollbook.analyses.events_by_day import EventsByDay
from rollbook.analyses.experiments.experiment import Experiment
from rollbook.analyses.gamification.gamification_progress import GamificationProgress
from rollbook.analyses.gamification.gamification_stats import GamificationStats
from rollbook.analyses.learner.dropout_risk import DropoutRisk
from rollbook.analyses.learner.engagement import Engagement
from rollbook.analyses.learner.intervention import Intervention
from rollbook.analyses.learner.learner_metrics import LearnerMetrics
from rollbook.analyses.learner.learners import Learners
from rollbook.analyses.learner.learning_velocity import LearningVelocity
from rollbook.analyses.learner.timeline import Timeline
from rollbook.analyses.learning.concept_mastery import ConceptMastery
from rollbook.analyses.learning.content_effectiveness import ContentEffectiveness
from rollbook.analyses.learning.item_analysis import ItemAnalysis
from rollbook.analyses.learning.mastery import Mastery
from rollbook.analyses.learning.time_on_task import LearnerTime, TimeOnTask
from rollbook.analyses.materials.page_engagement import PageEngagement
from rollbook.analyses.materials.problem_engagement import ProblemEngagement
from rollbook.analyses.materials.responses import Responses
from rollbook.analyses.materials.section_engagement import SectionEngagement
from rollbook.analyses.materials.video_engagement import LearnerVideos, VideoEngagement
from rollbook.analyses.materials.video_heatmap import LearnerVideoParts, VideoHeatmap
from rollbook.analyses.metrics.daily_metrics import DailyMetrics
from rollbook.analyses.metrics.event_days import EventDays
from rollbook.analyses.metrics.event_series import EventSeries
from rollbook.analyses.metrics.metric_list import MetricList
from rollbook.analyses.metrics.metric_series import MetricSeries
from rollbook.analyses.metrics.session_windows import SessionWindows
from rollbook.analyses.metrics.windows import Windows
from rollbook.analyses.operating.arrivals import Arrivals
from rollbook.analyses.quality.data_quality import DataQuality
from rollbook.analyses.quality.event_properties import EventProperties
from rollbook.analyses.quality.schema_problems import SchemaProblems
from rollbook.analyses.question import Question
from rollbook.analyses.retention import Retention
from rollbook.analyses.retention_curve import RetentionCurve
from rollbook.analyses.retention_periods import RetentionPeriods
from rollbook.analyses.services.performance import Performance
from rollbook.analyses.study.ai_coach_metrics import AiCoachMetrics
from rollbook.analyses.study.analytics_events import AnalyticsEvents
from rollbook.analyses.study.daily_activity_summary import DailyActivitySummary
from rollbook.analyses.study.hourly_analytics_summary import HourlyAnalyticsSummary
from rollbook.analyses.study.learning_heatmap import LearningHeatmap
from rollbook.analyses.study.learning_overview import LearningOverview
from rollbook.analyses.study.learning_sessions import LearningSessions
from rollbook.analyses.system.system_metrics import SystemMetrics
from rollbook.analyses.totals import Totals
from rollbook.errors import Invalid, NotFound

QUESTIONS: tuple[type[Question[Any]], ...] = (
    Totals,
    ActiveUsers,
    EventsByDay,
    EventDistribution,
    ActivityHeatmap,
    Retention,
    RetentionPeriods,
    RetentionCurve,
    Cohorts,
    CohortAnalysis,
    Funnel,
    Paths,
    Lifecycle,
    Stickiness,
    Sessions,
    Survival,
    LearnerMetrics,
    Learners,
    Engagement,
    LearningVelocity,
    DropoutRisk,
    Intervention,
    Timeline,
    Anomalies,
    LearningOverview,
    LearningHeatmap,
    LearningSessions,
    DailyActivitySummary,
    HourlyAnalyticsSummary,
    AnalyticsEvents,
    AiCoachMetrics,
    GamificationProgress,
    GamificationStats,
    SystemMetrics,
    ModelUsage,
    ModelCosts,
    Performance,
    Experiment,
    DataQuality,
    SchemaProblems,
    EventProperties,
    MetricList,
    MetricSeries,
    EventSeries,
    EventDays,
    DailyMetrics,
    Windows,
    SessionWindows,
    Mastery,
    ConceptMastery,
    ItemAnalysis,
    ContentEffectiveness,
    TimeOnTask,
    LearnerTime,
    CourseComparison,
    AtRisk,
    GradeDistribution,
    PassRate,
    Enrolments,
    EnrolmentTracks,
    CourseActivity,
    LearnerProgress,
    LearnerContents,
    PageEngagement,
    SectionEngagement,
    ProblemEngagement,
    Responses,
    VideoEngagement,
    VideoHeatmap,
    LearnerVideos,
    LearnerVideoParts,
    Arrivals,
    PeriodFigures,
    ConversationMetrics,
    UserBehavior,
    ConversationPatterns,
    ConversationOutcomes,
    ConversationTimes,
    ConversationFlows,
    ConversationDropOff,
    ConversationIntents,
    ConversationChannels,
    ConversationCorrelations,
    ConversationSentiment,
    UnresolvedQuestions,
    HelpSeeking,
    Topics,
)

BY_NAME = {question.name(): question for question in QUESTIONS}


def question(name: str, parameters: Mapping[str, Any]) -> Question[Any]:
    """A question by name and parameters. Raises NotFound with the names there are, Invalid with what is wrong."""
    kind = BY_NAME.get(name)
    if kind is None:
        raise NotFound(f"no question {name!r}; there are: {', '.join(sorted(BY_NAME))}")
    try:
        return kind.model_validate(parameters)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, p['loc']))}: {p['msg']}, not {p['input']!r}" for p in error.errors())
        fields = ", ".join(kind.model_fields)
        raise Invalid(f"{name}: {'; '.join(problems)}. Its parameters: {fields}") from error
