#!/usr/bin/env python3
"""Issues tokens for trying out `--auth jwt`: HS256, with the secret in a file. Needs nothing but Python.

    head -c 32 /dev/urandom | base64 > secret
    poll-vs-sse --auth jwt --jwt-secret-file secret &
    TOKEN=$(python3 issuer.py secret --subject mina --read lobby 'team-*' --publish lobby)
    curl -H "Authorization: Bearer $TOKEN" localhost:8080/poll
"""

import argparse
import base64
import hashlib
import hmac
import json
import time


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict, secret: bytes) -> str:
    head = {"alg": "HS256", "typ": "JWT"}
    message = ".".join(base64url(json.dumps(part).encode()) for part in (head, claims))
    signature = hmac.new(secret, message.encode(), hashlib.sha256).digest()
    return f"{message}.{base64url(signature)}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Issue a token for poll-vs-sse.")
    parser.add_argument("secret", help="file with the secret, as --jwt-secret-file has it")
    parser.add_argument("--subject", help="whose token it is")
    parser.add_argument("--read", nargs="*", default=[], metavar="ROOM", help="rooms to read; `team-*` is a prefix")
    parser.add_argument("--publish", nargs="*", default=[], metavar="ROOM", help="rooms to publish in")
    parser.add_argument("--minutes", type=float, default=15, help="how long it lasts (15)")
    parser.add_argument("--audience")
    parser.add_argument("--issuer")
    flags = parser.parse_args()
    with open(flags.secret, "rb") as file:
        secret = file.read().rstrip()
    claims = {
        "sub": flags.subject,
        "aud": flags.audience,
        "iss": flags.issuer,
        "exp": int(time.time() + flags.minutes * 60),
        "rooms": {"read": flags.read, "publish": flags.publish},
    }
    print(sign({name: value for name, value in claims.items() if value is not None}, secret))


if __name__ == "__main__":
    main()
