//! AWS KMS's interface as moto has it, over TLS, with checked signatures. Run by `make provider-test`, which installs moto;
//! without that the test is skipped, and says so.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ossenc_kms::providers::{AwsCredentials, AwsKmsConfig, AwsKmsProvider};
use ossenc_kms::{Answer, Ask, Failure, Provider, Verb};

const LONG: Duration = Duration::from_secs(60);

/// Ends with its test, also when that panics.
struct Server {
    process: Child,
    info: serde_json::Value,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Option<Server> {
        let Some(python) = std::env::var_os("OSSENC_MOTO_PYTHON") else {
            // Past the capture of the test harness: a skip is loud.
            std::io::stderr().write_all(b"SKIPPED: aws_kms_moto: no moto (make provider-test)\n").unwrap();
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto/server.py"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let info = serde_json::from_str(&line).expect("the server does not start: run tests/moto/server.py to see why");
        Some(Server { process, info, _folder: folder })
    }

    fn text(&self, name: &str) -> &str {
        self.info[name].as_str().unwrap()
    }

    fn provider(&self, authorities_pem: Option<&[u8]>, id: &str, secret: &str) -> AwsKmsProvider {
        let config = AwsKmsConfig {
            endpoint: self.text("endpoint"),
            region: "us-east-1",
            authorities_pem,
            connect_timeout: Duration::from_secs(20),
        };
        let credentials = AwsCredentials::new(id, secret, None).unwrap();
        AwsKmsProvider::new(&config, move |_| Ok(credentials.clone())).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const CONTEXT: &[(&str, &str)] = &[("ossenc:bucket", "b-17"), ("ossenc:tenant", "acme")];

fn call(
    provider: &AwsKmsProvider,
    verb: Verb,
    key_id: &str,
    context: &[(&str, &str)],
    blob: &[u8],
) -> Result<Answer, Failure> {
    let ask = Ask {
        id: 1,
        verb,
        provider: "aws",
        key_id,
        key_version: "",
        context,
        context_bytes: &[],
        blob,
        bucket_key_id: &[],
    };
    provider.call(&ask, LONG)
}

/// What a key seals under it, the same key opens: `Secret` shows its bytes to nobody.
fn same(a: &Answer, b: &Answer) -> bool {
    let engine = ossenc::Engine::new().unwrap();
    let image = ossenc::Keystore::init(&engine, "root", a.secret.as_ref().unwrap()).unwrap();
    ossenc::Keystore::load(&engine, &image, b.secret.as_ref().unwrap(), 0).is_ok()
}

#[test]
fn keys_are_made_and_unwrapped_over_tls_by_signed_requests() {
    let Some(server) = Server::start() else { return };
    let authority = std::fs::read(server.text("authority")).unwrap();
    let (id, secret) = (server.text("access_key_id"), server.text("secret_access_key"));
    let (key, other) = (server.text("key"), server.text("other"));
    let provider = server.provider(Some(&authority), id, secret);

    // An alias is resolved to the key's own id before anything is stored.
    let made = call(&provider, Verb::Generate, "alias/storage", CONTEXT, b"").unwrap();
    assert_eq!((made.key_id.as_str(), made.key_version.as_str()), (key, ""));
    let back = call(&provider, Verb::Unwrap, key, CONTEXT, &made.blob).unwrap();
    assert_eq!(back.key_id, key);
    assert!(same(&made, &back));
    let again = call(&provider, Verb::Generate, key, CONTEXT, b"").unwrap();
    assert!(!same(&made, &again));
    let bare = key.rsplit('/').next().unwrap();
    assert_eq!(call(&provider, Verb::Unwrap, bare, CONTEXT, &made.blob).unwrap().key_id, bare);
    let without = call(&provider, Verb::Generate, key, &[], b"").unwrap();
    assert!(same(&without, &call(&provider, Verb::Unwrap, key, &[], &without.blob).unwrap()));

    let fails = |key_id, context, blob: &[u8]| call(&provider, Verb::Unwrap, key_id, context, blob).unwrap_err();
    let refused = Failure::Error { code: 400 };
    assert_eq!(fails(key, &[("ossenc:bucket", "b-18"), ("ossenc:tenant", "acme")], &made.blob), refused);
    assert_eq!(fails(key, &CONTEXT[..1], &made.blob), refused);
    let mut damaged = made.blob.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(fails(key, CONTEXT, &damaged), refused);
    // The key is sent along: the blob does not choose it. (moto's word for it is another than AWS's IncorrectKey.)
    assert_eq!(fails(other, CONTEXT, &made.blob), Failure::Denied);
    let absent = "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000";
    assert_eq!(fails(absent, CONTEXT, &made.blob), Failure::Unknown);
    assert_eq!(call(&provider, Verb::Generate, absent, CONTEXT, b"").unwrap_err(), Failure::Unknown);

    // moto makes the signature anew and compares it.
    let mallory = server.provider(Some(&authority), id, &secret.replace(&secret[..1], "#"));
    assert_eq!(call(&mallory, Verb::Unwrap, key, CONTEXT, &made.blob).unwrap_err(), Failure::Denied);
    let stranger = server.provider(
        Some(&authority),
        server.text("stranger_access_key_id"),
        server.text("stranger_secret_access_key"),
    );
    assert_eq!(call(&stranger, Verb::Unwrap, key, CONTEXT, &made.blob).unwrap_err(), Failure::Denied);

    // Its authority is none that Mozilla trusts, and not the other one of the same name.
    let impostor = std::fs::read(server.text("impostor")).unwrap();
    for authorities in [None, Some(&impostor[..])] {
        let trusting = server.provider(authorities, id, secret);
        let failure = call(&trusting, Verb::Unwrap, key, CONTEXT, &made.blob).unwrap_err();
        assert_eq!(failure, Failure::Error { code: 0 });
    }

    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert!(same(&made, &call(&provider, Verb::Unwrap, key, CONTEXT, &made.blob).unwrap()));
                }
            });
        }
    });
}
