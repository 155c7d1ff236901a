"""Signatures, against the example that the specification's reference libraries are tested with."""

from __future__ import annotations

from models.webhooks.signing import sign, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_example() -> None:
    assert sign(SECRET, MESSAGE, TIMESTAMP, BODY) == SIGNATURE


def test_each_valid_secret_signs() -> None:
    headers = signed_headers((SECRET, "whsec_b3RoZXI="), MESSAGE, TIMESTAMP, BODY)
    assert headers["webhook-signature"].split(" ")[0] == SIGNATURE
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (MESSAGE, "1614265330")
