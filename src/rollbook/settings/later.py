"""Names in the five documents that nothing acts on: those for a later version, and those without a meaning here."""

LATER = {
    "KAFKA_BROKERS": "taking events from Kafka",
    "KAFKA_TOPICS": "as KAFKA_BROKERS",
    "KAFKA_CONSUMER_GROUP": "as KAFKA_BROKERS",
    "KAFKA_AUTO_OFFSET_RESET": "as KAFKA_BROKERS",
    "REAL_TIME_LAG_THRESHOLD": "an alert when events are taken in too slowly",
    "ML_MODEL_PATH": "where trained models are kept",
    "ML_MODEL_UPDATE_INTERVAL": "when models are trained",
    "MODEL_UPDATE_FREQUENCY": "when models are trained",
    "FEATURE_STORE_PATH": "where features are kept",
    "PREDICTION_CONFIDENCE_THRESHOLD": "which predictions are shown",
}
WITHOUT_MEANING = {
    "CELERY_BROKER_URL": "jobs run in the process, there is no broker",
    "CELERY_RESULT_BACKEND": "as CELERY_BROKER_URL",
    "STREAM_PROCESSING_THREADS": "one writer commits what many requests bring",
    "NODE_ENV": "there is one way to run",
    "SERVICE_NAME": "log lines carry no name",
}
