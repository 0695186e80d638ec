"""How registries differ, each profile with the evidence that they do; `RegistrySim` plays them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quirks:
    """What a registry does. The defaults are distribution-spec v1.1 to the letter."""

    #: Why we believe that a registry does this.
    evidence: str = "distribution-spec v1.1.1, spec.md"
    #: GET /v2/NAME/referrers/DIGEST is there, and a push with `subject` is answered with OCI-Subject.
    referrers_api: bool = True
    #: What the missing API answers: 404, or 200 with an empty list or with a web page.
    referrers_answer: str = "404"
    #: None, "basic" or "token".
    auth: str | None = None
    token_seconds: int | None = None
    #: Address of the token service, in place of the registry's own.
    realm: str | None = None
    immutable_tags: bool = False
    #: 400 DENIED, 409 … as the vendor has it.
    immutable_status: int = 400
    repositories_exist: bool = True
    #: PATCH is refused with this status.
    patch_status: int | None = None
    #: Of several PATCHes, or of a body that is cut, only the last piece is kept.
    last_chunk_only: bool = False
    #: Every PATCH loses its last bytes, without a word.
    drops_bytes: int = 0
    #: The first so many requests are answered 429 with Retry-After.
    storm: int = 0
    retry_after: str = "1"
    #: "absolute", "relative", "other" (uploads go to another host), or "none".
    location: str = "absolute"
    #: GET of a blob is redirected to another host, as registries with object storage do.
    redirect_blobs: bool = False
    #: Redirects lead in a circle.
    redirect_loop: bool = False
    #: The digest header of manifests names something else / contents are altered.
    lying_header: bool = False
    lying_content: bool = False
    #: GETs of blobs end after so many bytes, every time or only once a blob.
    truncate_at: int | None = None
    truncate_once: bool = False
    #: The fallback tag is read as it was before the last write, so many times.
    stale_reads: int = 0
    #: Manifests are answered with so many bytes of JSON.
    huge_json: int = 0
    #: So many referrers are listed besides the true ones.
    extra_referrers: int = 0
    #: Largest blob, refused with 413 when it is complete.
    blob_limit: int | None = None
    #: Blobs of this size and more are swallowed: nothing is kept, their digest is believed.
    swallow_from: int | None = None
    #: The registry answers 201 to a closed upload and keeps nothing.
    forgets_blobs: bool = False
    #: A tag that is set keeps what it named.
    ignores_tags: bool = False
    #: Upload sessions are unknown to the node that gets the PUT, so many times.
    lost_sessions: int = 0
    #: A `Warning` header on every answer.
    warning: str | None = None
    #: No `Docker-Content-Digest` at all.
    no_digest_header: bool = False


PROFILES: dict[str, Quirks] = {
    "spec-1.1": Quirks(),
    "distribution-2.8": Quirks(
        referrers_api=False,
        evidence="docker-registry 2.8.2 run on loopback: referrers 404, no OCI-Subject, If-Match ignored",
    ),
    "ghcr": Quirks(
        referrers_api=False,
        auth="token",
        token_seconds=300,
        redirect_blobs=True,
        evidence="docs.github.com Container registry; sbomify #1530, NVIDIA/nodewright-packages #132: no referrers API",
    ),
    "ecr-immutable": Quirks(
        auth="basic",
        immutable_tags=True,
        immutable_status=400,
        repositories_exist=False,
        evidence="docs.aws.amazon.com Amazon ECR: ImageTagAlreadyExistsException, RepositoryNotFoundException",
    ),
    "artifactory-last-chunk": Quirks(
        last_chunk_only=True, evidence="wasmCloud #3405: a push succeeds and only the last chunk is stored"
    ),
    "artifactory-ha": Quirks(lost_sessions=1, evidence="oci-modelcar README: upload sessions get lost between HA nodes"),
    "no-patch": Quirks(
        patch_status=416, evidence="rust-oci-client #35, ocx #237: GHCR refuses large PATCH bodies with 416"
    ),
    "429-storm": Quirks(storm=6, evidence="crust-gather #461: 2000 uploads a minute; RFC 6585 Retry-After"),
    "token-60s": Quirks(auth="token", token_seconds=60, evidence="distribution token specification: expires_in 60 by default"),
    "relative-location": Quirks(location="relative", evidence="zot v2.1.20 answers with a relative Location"),
    "cross-host-location": Quirks(
        location="other", redirect_blobs=True, evidence="distribution-spec: Location may be absolute; registries on S3"
    ),
    "lying-digest": Quirks(lying_content=True, evidence="oras-py 0.2.43: tampered blobs were pulled without an error"),
    "truncating": Quirks(truncate_at=1000, evidence="harbor #19573: proxies cut long transfers"),
    "empty-referrers": Quirks(
        referrers_api=False, referrers_answer="empty", evidence="sbomify #1530: GHCR answered 200 with an empty list"
    ),
    "stale-reads": Quirks(
        referrers_api=False, stale_reads=2, evidence="NVIDIA/nodewright-packages #132: a read that was five seconds old"
    ),
}  # fmt: skip
