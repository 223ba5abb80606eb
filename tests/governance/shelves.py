"""Shelves: where archives lie in tests, a folder or a bucket, looked into past Rollbook."""

import io
import json
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import boto3
import pyarrow.parquet as pq

# how many calls it takes to make the owner's key
CALLS_OF_OWNER = 3
REGION = "eu-central-1"
ALL: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
# what docs/guides/lifecycle.md says that Rollbook needs
NEEDED = ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject"]


class Shelf(Protocol):
    """Files under the place of an archive."""

    def names(self, place: str) -> list[str]:
        """The files there."""

    def read(self, place: str, name: str) -> bytes:
        """One of them."""

    def write(self, place: str, name: str, content: bytes) -> None:
        """Put one there, or another in its place."""


class Folder:
    """A folder of this machine."""

    def names(self, place: str) -> list[str]:
        """The files there."""
        return sorted(path.name for path in Path(place).glob("*"))

    def read(self, place: str, name: str) -> bytes:
        """One of them."""
        return Path(place, name).read_bytes()

    def write(self, place: str, name: str, content: bytes) -> None:
        """Put one there, or another in its place."""
        Path(place, name).write_bytes(content)


class Bucket:
    """A bucket of its own, whose owner may do all, and what a user of Rollbook is given: an address and a key."""

    def __init__(self, endpoint: str, owner: dict[str, str]) -> None:
        self.endpoint = endpoint
        self.name = f"archives-{uuid4().hex[:12]}"
        self._iam, self._s3 = _client("iam", endpoint, owner), _client("s3", endpoint, owner)
        self._s3.create_bucket(Bucket=self.name, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.key = _key(self._iam, self.name)
        self.may(*NEEDED)

    @property
    def address(self) -> str:
        """Its address as a setting."""
        return f"s3://{self.name}/school?region={REGION}&endpoint_override={self.endpoint}"

    def may(self, *actions: str, not_on: str = "") -> None:
        """Let Rollbook's key do this and no more, nothing on objects whose names match."""
        # (the bucket, the objects in it, and a bucket that is called nearly so)
        ours = f"arn:aws:s3:::{self.name}"
        rules: list[dict[str, Any]] = [{"Effect": "Allow", "Action": list(actions), "Resource": f"{ours}*"}]
        if not_on:
            rules.append({"Effect": "Deny", "Action": "s3:*", "Resource": f"{ours}/{not_on}"})
        _allow(self._iam, self.name, rules)

    def all(self) -> list[str]:
        """The names of all objects in it."""
        return [one["Key"] for one in self._s3.list_objects_v2(Bucket=self.name).get("Contents", [])]

    def begun(self) -> list[str]:
        """The names of objects whose upload was begun and not ended."""
        return [one["Key"] for one in self._s3.list_multipart_uploads(Bucket=self.name).get("Uploads", [])]

    def names(self, place: str) -> list[str]:
        """The files there."""
        inside = self._within(place) + "/"
        # an object that is called like a folder stands for it
        return sorted(name.removeprefix(inside) for name in self.all() if name.startswith(inside) and name != inside)

    def read(self, place: str, name: str) -> bytes:
        """One of them."""
        found: bytes = self._s3.get_object(Bucket=self.name, Key=f"{self._within(place)}/{name}")["Body"].read()
        return found

    def write(self, place: str, name: str, content: bytes) -> None:
        """Put one there, or another in its place."""
        self._s3.put_object(Bucket=self.name, Key=f"{self._within(place)}/{name}", Body=content)

    def delete(self, place: str, name: str) -> None:
        """Lose a file."""
        self._s3.delete_object(Bucket=self.name, Key=f"{self._within(place)}/{name}")

    def _within(self, place: str) -> str:
        assert place.startswith(f"s3://{self.name}/"), place
        return place.removeprefix(f"s3://{self.name}/")


def owner_of(endpoint: str) -> dict[str, str]:
    """The key of somebody who may do all, made with the server's first calls."""
    iam = _client("iam", endpoint, {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"})
    key = _key(iam, "owner")
    _allow(iam, "owner", ALL)
    return key


def rows_of(shelf: Shelf, place: str) -> list[dict[str, Any]]:
    """The events of an archive, as any reader of Parquet sees them."""
    files = [name for name in shelf.names(place) if name.endswith(".parquet")]
    return [row for name in files for row in pq.read_table(io.BytesIO(shelf.read(place, name))).to_pylist()]


def _client(service: str, endpoint: str, key: dict[str, str]) -> Any:
    secrets = {name.lower(): value for name, value in key.items()}
    return boto3.client(service, endpoint_url=endpoint, region_name=REGION, **secrets)


def _key(iam: Any, user: str) -> dict[str, str]:
    iam.create_user(UserName=user)
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}


def _allow(iam: Any, user: str, rules: list[dict[str, Any]]) -> None:
    policy = {"Version": "2012-10-17", "Statement": rules}
    iam.put_user_policy(UserName=user, PolicyName="rules", PolicyDocument=json.dumps(policy))
