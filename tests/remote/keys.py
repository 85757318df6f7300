#!/usr/bin/env python3
"""Usage: keys.py DIRECTORY: makes an NKey pair, and an operator, an account and users with their
credentials, in files there. Ed25519 is openssl's.

  user.nkey user.seed            a key pair: the public key, and the file with the seed
  operator.conf                  lines of configuration for a server that trusts the operator
  user.creds limited.creds       users of the account; limited may subscribe and not publish items
  stranger.creds                 a user of an account that the operator did not sign
"""
import base64, binascii, hashlib, json, os, subprocess, sys, time

USER, ACCOUNT, OPERATOR, SEED = 20 << 3, 0, 14 << 3, 18 << 3
directory = sys.argv[1]


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, stdout=subprocess.PIPE).stdout


def text(raw):
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode().rstrip("=")


class Pair:
    def __init__(self, kind):
        self.file = os.path.join(directory, "%s.pem" % os.urandom(8).hex())
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.file)
        private = openssl("pkey", "-in", self.file, "-outform", "DER")[-32:]
        public = openssl("pkey", "-in", self.file, "-pubout", "-outform", "DER")[-32:]
        self.public = text(bytes([kind]) + public)
        self.seed = text(bytes([SEED | kind >> 5, (kind & 31) << 3]) + private)

    def sign(self, message):
        source = self.file + ".message"
        with open(source, "wb") as file:
            file.write(message)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", source)


def encode(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def token(issuer, subject, name, nats):
    claims = {"iat": int(time.time()), "iss": issuer.public, "sub": subject, "name": name, "nats": nats}
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
    head = encode(b'{"typ":"JWT","alg":"ed25519-nkey"}') + "." + encode(json.dumps(claims).encode())
    return head + "." + encode(issuer.sign(head.encode()))


def write(name, content):
    with open(os.path.join(directory, name), "w") as file:
        file.write(content)


def credentials(name, account, permissions):
    user = Pair(USER)
    limits = {"subs": -1, "data": -1, "payload": -1}
    jwt = token(account, user.public, name, {**permissions, **limits, "type": "user", "version": 2})
    write(name + ".creds", "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
          "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n" % (jwt, user.seed))


def account_token(operator, account, name, storage):
    limits = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": True,
              "conn": -1, "leaf": -1, **storage}
    return token(operator, account.public, name, {"limits": limits, "type": "account", "version": 2})


pair = Pair(USER)
write("user.nkey", pair.public)
write("user.seed", pair.seed)
other = Pair(USER)
write("other.nkey", other.public)
write("other.seed", other.seed)

operator, account, system, stranger = Pair(OPERATOR), Pair(ACCOUNT), Pair(ACCOUNT), Pair(ACCOUNT)
storage = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
trusted = token(operator, operator.public, "operator", {"type": "operator", "version": 2})
write("operator.conf", "operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n %s: %s\n %s: %s\n}\n"
      % (trusted, system.public, account.public, account_token(operator, account, "spmcq", storage),
         system.public, account_token(operator, system, "system", {})))
credentials("user", account, {"pub": {}, "sub": {}})
credentials("limited", account, {"pub": {"deny": ["spmcq.*.item"]}, "sub": {}})
credentials("stranger", stranger, {"pub": {}, "sub": {}})
