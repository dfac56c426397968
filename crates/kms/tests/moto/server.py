"""moto's KMS on a free loopback port, over TLS with an authority made for the occasion, with keys, an alias and a user.

Checks signatures: every request has to be signed by a user who is allowed it. Prints one line of JSON that says where all is,
then serves until its standard input is closed. usage: server.py FOLDER
"""

import datetime
import ipaddress
import json
import os
import sys
import threading

folder = sys.argv[1]
# Those of this program are not.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "1000000"
os.environ.update(AWS_ACCESS_KEY_ID="setup", AWS_SECRET_ACCESS_KEY="setup", AWS_DEFAULT_REGION="us-east-1")

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto import settings
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def certificate(name, key, issuer, issuer_key, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
ca = [x509.BasicConstraints(ca=True, path_length=None)]
authority = certificate("authority", authority_key, "authority", authority_key, ca)
# Of the same name, with another key.
impostor_key = ec.generate_private_key(ec.SECP256R1())
impostor = certificate("authority", impostor_key, "authority", impostor_key, ca)
names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
server_certificate = certificate("server", server_key, "authority", authority_key, [names])
private = server_key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
paths = {}
files = {
    "authority.pem": authority,
    "impostor.pem": impostor,
    "server.pem": server_certificate,
    "server.key": private,
}
for name, content in files.items():
    paths[name] = os.path.join(folder, name)
    with open(paths[name], "wb") as file:
        file.write(content)

server = make_server(
    "127.0.0.1",
    0,
    DomainDispatcherApplication(create_backend_app),
    threaded=True,
    ssl_context=(paths["server.pem"], paths["server.key"]),
)
threading.Thread(target=server.serve_forever, daemon=True).start()
endpoint = f"https://127.0.0.1:{server.server_port}"


def client(service):
    return boto3.client(service, endpoint_url=endpoint, verify=paths["authority.pem"])


kms, iam = client("kms"), client("iam")
key, other = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
kms.create_alias(AliasName="alias/storage", TargetKeyId=key)
iam.create_user(UserName="daemon")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]}
iam.put_user_policy(UserName="daemon", PolicyName="kms", PolicyDocument=json.dumps(policy))
user = iam.create_access_key(UserName="daemon")["AccessKey"]
iam.create_user(UserName="stranger")
stranger = iam.create_access_key(UserName="stranger")["AccessKey"]

# From here on every request is checked.
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
print(
    json.dumps(
        {
            "endpoint": endpoint,
            "authority": paths["authority.pem"],
            "impostor": paths["impostor.pem"],
            "key": key,
            "other": other,
            "access_key_id": user["AccessKeyId"],
            "secret_access_key": user["SecretAccessKey"],
            "stranger_access_key_id": stranger["AccessKeyId"],
            "stranger_secret_access_key": stranger["SecretAccessKey"],
        }
    ),
    flush=True,
)
sys.stdin.read()
