"""Settings of signing in: sessions of browsers, OpenID Connect, TLS."""

from pathlib import Path

from pydantic import BaseModel, SecretStr

from rollbook.settings.form import named


class SignInSettings(BaseModel):
    """How people sign in to the pages, and how the way there is encrypted."""

    session_idle_hours: float = named(
        8, "ROLLBOOK_SESSION_IDLE_HOURS", why="A session ends when it was not used for so long.", gt=0, le=720
    )
    session_hours: float = named(24, "ROLLBOOK_SESSION_HOURS", why="A session ends after so long, used or not.", gt=0)
    oidc_issuer: str | None = named(
        None,
        "ROLLBOOK_OIDC_ISSUER",
        why="OpenID Connect provider for signing in, `https://…`; unset: with a key only.",
    )
    oidc_client_id: str = named("", "ROLLBOOK_OIDC_CLIENT_ID", why="What the provider knows Rollbook by.")
    oidc_client_secret: SecretStr | None = named(
        None, "ROLLBOOK_OIDC_CLIENT_SECRET", why="Its secret; unset: a public client (PKCE is used in any case)."
    )
    oidc_tenant: str = named("default", "ROLLBOOK_OIDC_TENANT", why="The tenant that the provider's people belong to.")
    oidc_scopes: str = named("openid profile", "ROLLBOOK_OIDC_SCOPES", why="Scopes asked for.")
    oidc_subject: str = named(
        "sub", "ROLLBOOK_OIDC_SUBJECT", why="The claim that is the user id of a person's events, as `email`."
    )
    oidc_claim: str = named(
        "roles",
        "ROLLBOOK_OIDC_CLAIM",
        why="The claim with a person's groups; dots lead into objects, as `realm_access.roles`.",
    )
    oidc_roles: str = named(
        "",
        "ROLLBOOK_OIDC_ROLES",
        why="Groups and the roles they give, `staff=educator,it=admin`; `*=learner`: everyone else.",
    )
    public_url: str | None = named(
        None,
        "ROLLBOOK_PUBLIC_URL",
        why="Where browsers find Rollbook, `https://rollbook.school.example`; unset: where they asked.",
    )
    tls_cert: Path | None = named(
        None, "ROLLBOOK_TLS_CERT", why="Certificate (PEM, with its chain) to serve https with; `--tls-cert` wins."
    )
    tls_key: Path | None = named(
        None, "ROLLBOOK_TLS_KEY", why="Its private key (PEM, not encrypted); unset: it is in the certificate's file."
    )
