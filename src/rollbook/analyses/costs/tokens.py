"""Tokens: the kinds that are paid for, and how each provider counts them.

Whether `input_tokens` holds the cached ones already, and `output_tokens` those of reasoning, differs (2026-11):
OpenAI, Azure, DeepSeek, Mistral and most that speak OpenAI's API count both within; Anthropic (on Bedrock and Vertex,
too) reports cached input beside the rest; Google and xAI report reasoning ("thoughts") beside the output.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counting:
    """Whether cached tokens are counted within the input, and reasoning within the output."""

    cached_within_input: bool = True
    reasoning_within_output: bool = True


# providers whose name begins so, in lower case; all others count both within
COUNTING = {
    "anthropic": Counting(cached_within_input=False),
    "bedrock": Counting(cached_within_input=False),
    "aws_bedrock": Counting(cached_within_input=False),
    "google": Counting(reasoning_within_output=False),
    "gemini": Counting(reasoning_within_output=False),
    "vertex": Counting(reasoning_within_output=False),
    "xai": Counting(reasoning_within_output=False),
}


def counting_of(provider: str) -> Counting:
    """How a provider counts."""
    name = provider.lower()
    return next((how for begin, how in COUNTING.items() if name.startswith(begin)), Counting())


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by kind, none counted twice. `unsplit`: of calls that say only how many in all."""

    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    unsplit: int = 0

    @property
    def all(self) -> int:
        """All kinds."""
        return self.input + self.cached + self.output + self.reasoning + self.unsplit

    def __add__(self, other: "Tokens") -> "Tokens":
        return Tokens(
            self.input + other.input,
            self.cached + other.cached,
            self.output + other.output,
            self.reasoning + other.reasoning,
            self.unsplit + other.unsplit,
        )
