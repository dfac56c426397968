//! Server-side encryption: what requests mean, how responses tell it, and the bucket's rule.

use ossenc::{Envelope, Kind, Origin};
use ossenc_sse::{
    Code, CustomerKey, Decision, Dialect, Encryption, EncryptionContext, Error as SseError, Failure as KeyFailure,
    Headers, Key, KeyId, Method, Operation, Recorded, Request, RequestInfo, Rule, answer, error_header, error_xml,
    resolve,
};

use crate::bytes::{
    Extensible, array, get, give, no_handle, ossenc_in, ossenc_out, ossenc_pair, room, sized, take_back, write_sized,
};
use crate::keystore::{
    OSSENC_KEY_DISABLED, OSSENC_KEY_ENABLED, OSSENC_KEY_PENDING_DELETION, OSSENC_KEY_PENDING_IMPORT, ossenc_key_info,
};
use crate::object::{OSSENC_METHOD_SSE_C, OSSENC_METHOD_SSE_KMS, OSSENC_METHOD_SSE_OSS};
use crate::status::{
    Failure, OSSENC_E_COMMIT, OSSENC_E_DENIED, OSSENC_E_KEYSTATE, OSSENC_E_KMS_RETRY, OSSENC_E_NOVERSION,
    OSSENC_E_STATE, OSSENC_E_TIMEOUT, OSSENC_OK, Outcome, argument, guard, ossenc_status,
};

/// `ossenc_key_info.origin` of a key whose material its owner brought.
const IMPORTED: u32 = Origin::Imported as u32;

/// The dialect of Alibaba Cloud OSS.
pub const OSSENC_SSE_OSS: u32 = 1;
/// The dialect of Amazon S3.
pub const OSSENC_SSE_S3: u32 = 2;

/// PutObject.
pub const OSSENC_SSE_PUT_OBJECT: u32 = 1;
/// PostObject: the form's fields are its headers.
pub const OSSENC_SSE_POST_OBJECT: u32 = 2;
/// CopyObject.
pub const OSSENC_SSE_COPY_OBJECT: u32 = 3;
/// InitiateMultipartUpload; S3's CreateMultipartUpload.
pub const OSSENC_SSE_INITIATE_UPLOAD: u32 = 4;
/// UploadPart.
pub const OSSENC_SSE_UPLOAD_PART: u32 = 5;
/// UploadPartCopy.
pub const OSSENC_SSE_UPLOAD_PART_COPY: u32 = 6;
/// CompleteMultipartUpload.
pub const OSSENC_SSE_COMPLETE_UPLOAD: u32 = 7;
/// AppendObject at position 0.
pub const OSSENC_SSE_APPEND_FIRST: u32 = 8;
/// AppendObject at a later position.
pub const OSSENC_SSE_APPEND_LATER: u32 = 9;
/// GetObject.
pub const OSSENC_SSE_GET_OBJECT: u32 = 10;
/// HeadObject.
pub const OSSENC_SSE_HEAD_OBJECT: u32 = 11;
/// ListParts.
pub const OSSENC_SSE_LIST_PARTS: u32 = 12;
/// PutBucket; S3's CreateBucket.
pub const OSSENC_SSE_PUT_BUCKET: u32 = 13;
/// PutBucketEncryption.
pub const OSSENC_SSE_PUT_BUCKET_ENCRYPTION: u32 = 14;
/// GetBucketEncryption.
pub const OSSENC_SSE_GET_BUCKET_ENCRYPTION: u32 = 15;
/// DeleteBucketEncryption.
pub const OSSENC_SSE_DELETE_BUCKET_ENCRYPTION: u32 = 16;
/// GetBucketInfo.
pub const OSSENC_SSE_GET_BUCKET_INFO: u32 = 17;
/// Any other operation.
pub const OSSENC_SSE_OTHER: u32 = 18;

/// Encryption has no part in the operation.
pub const OSSENC_SSE_NOTHING: u32 = 0;
/// The operation makes an object or upload: encrypt it as the decision says.
pub const OSSENC_SSE_BEGIN: u32 = 1;
/// The operation goes on with an object or upload, or reads it: what is recorded counts.
pub const OSSENC_SSE_GO_ON: u32 = 2;
/// The operation makes a bucket: store the decision's rule with it, if there is one.
pub const OSSENC_SSE_MAKE_BUCKET: u32 = 3;

/// Not encrypted, for `ossenc_sse_decision.method` and `ossenc_sse_request`; beside `OSSENC_METHOD_...`.
pub const OSSENC_METHOD_NONE: u32 = 0;

/// The document of OSS: PutBucketEncryption, GetBucketEncryption.
pub const OSSENC_SSE_RULE_OSS: u32 = 1;
/// The document of S3.
pub const OSSENC_SSE_RULE_S3: u32 = 2;
/// The flat element inside the `<Bucket>` of OSS's GetBucketInfo, without a declaration; it says `None` for no rule.
pub const OSSENC_SSE_RULE_BUCKET_INFO: u32 = 3;

/// Why a request is refused, for the client. Set `size` to `sizeof (ossenc_sse_error)` before the first use; NULL is
/// always allowed. It holds nothing of the request.
#[repr(C)]
pub struct ossenc_sse_error {
    /// `sizeof (ossenc_sse_error)`, set by the caller.
    pub size: usize,
    /// The HTTP status; 0 if the request was not refused.
    pub http: u32,
    /// The error's code, as the dialect has it, terminated: `InvalidArgument`.
    pub code: [core::ffi::c_char; 60],
    /// A sentence for people, terminated.
    pub message: [core::ffi::c_char; 128],
}

/// All that counts of a request.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_sse_request {
    /// `sizeof (ossenc_sse_request)`.
    pub size: usize,
    /// `OSSENC_SSE_OSS` or `OSSENC_SSE_S3`.
    pub dialect: u32,
    /// `OSSENC_SSE_PUT_OBJECT` and so on.
    pub operation: u32,
    /// The method of the object or upload that the operation goes on with or reads: `OSSENC_METHOD_...`.
    pub recorded: u32,
    /// For copies, the method of the source: `OSSENC_METHOD_...`.
    pub source: u32,
    /// All headers of the request, or fields of the form, as they came: those that are not about encryption are not
    /// looked at.
    pub headers: *const ossenc_pair,
    /// How many.
    pub n: usize,
    /// The bucket's rule, a document of this dialect; empty for none. For copies that of the target's bucket. It is read
    /// for the operations that make an object or begin an upload, and for GetBucketEncryption; others ignore it. One that
    /// cannot be read is 500, since it was stored, but no hindrance where the request's header goes before it.
    pub rule: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers and pointers may be zero.
unsafe impl Extensible for ossenc_sse_request {}

/// What a request means, with the memory for it.
pub struct ossenc_sse_resolved {
    decision: Decision,
    dialect: Dialect,
    rule: String,
    pairs: Vec<ossenc_pair>,
    context: String,
}

// SAFETY: the pairs point into the context of `decision`, which never changes.
unsafe impl Send for ossenc_sse_resolved {}
// SAFETY: as above.
unsafe impl Sync for ossenc_sse_resolved {}

/// What is to be done. What it points to is borrowed from the `ossenc_sse_resolved`.
#[repr(C)]
pub struct ossenc_sse_decision {
    /// `sizeof (ossenc_sse_decision)`.
    pub size: usize,
    /// `OSSENC_SSE_NOTHING`, `OSSENC_SSE_BEGIN`, `OSSENC_SSE_GO_ON` or `OSSENC_SSE_MAKE_BUCKET`.
    pub what: u32,
    /// BEGIN: `OSSENC_METHOD_...`.
    pub method: u32,
    /// SSE-KMS: 1 if no key was named, so that the default one serves: create it if there is none of that alias.
    pub default_key: u32,
    /// SSE-KMS: 1 if a bucket key shall spare calls to the key service.
    pub bucket_key: u32,
    /// SSE-KMS: the id or alias to use; that of the default key if none was named. Empty for other methods: the service
    /// knows its own key.
    pub key_id: ossenc_in,
    /// SSE-KMS: the client's encryption context, ready for `ossenc_context.user`. Keep it: opening needs it.
    pub context: *const ossenc_pair,
    /// How many pairs.
    pub contexts: usize,
    /// The same as JSON, sorted and without white space; empty for none.
    pub context_json: ossenc_in,
    /// BEGIN, GO_ON: the customer's key, 32 bytes, for an object under SSE-C; else empty. It is wiped when the
    /// `ossenc_sse_resolved` is freed.
    pub customer_key: ossenc_in,
    /// Its MD5 in base64, for `ossenc_sse_recorded`.
    pub customer_key_md5: ossenc_in,
    /// For copies, the same for the source.
    pub source_key: ossenc_in,
    /// MAKE_BUCKET: the rule, a document of the dialect; empty for none.
    pub rule: ossenc_in,
}

/// What is recorded of an object's or upload's encryption.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_sse_recorded {
    /// `sizeof (ossenc_sse_recorded)`.
    pub size: usize,
    /// Its envelope, once it has opened; empty for what is not encrypted, or under a customer's key whose MD5 is given.
    pub envelope: ossenc_in,
    /// SSE-KMS: the JSON of the client's encryption context, as the decision had it; empty for none. Used by S3.
    pub context_json: ossenc_in,
    /// SSE-C: the MD5 of the key in the request, in base64. To complete an upload it may be empty.
    pub customer_key_md5: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers and pointers may be zero.
unsafe impl Extensible for ossenc_sse_recorded {}

/// What the body of an error tells of the request. Any UTF-8; what is empty and optional is left out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ossenc_sse_request_info {
    /// `sizeof (ossenc_sse_request_info)`.
    pub size: usize,
    /// The request's id, as in the header `x-oss-request-id` or `x-amz-request-id`.
    pub request_id: ossenc_in,
    /// OSS: the host that the client used. S3: an id of the server.
    pub host_id: ossenc_in,
    /// OSS: the number of the error's page, for `<EC>`; optional.
    pub ec: ossenc_in,
    /// S3: the path; optional.
    pub resource: ossenc_in,
}

// SAFETY: `repr(C)`, `size` first; integers and pointers may be zero.
unsafe impl Extensible for ossenc_sse_request_info {}

/// Decides what a request means: the object's header before the bucket's rule before nothing. Free the result with
/// `ossenc_sse_resolved_free`.
///
/// A request that is refused is `OSSENC_E_EXPECT`, and `error` says how to answer it; whatever else is returned is about
/// the caller's arguments, with `error->http` 0. Needs no key, and does not ask whether keys exist: a rule may name one
/// that does not, and the upload fails when its object is created (`ossenc_sse_failure`). OSS's SM4 is not built: as an
/// algorithm it is 400 InvalidEncryptionAlgorithmError, as data encryption with KMS 400
/// InvalidDataEncryptionAlgorithmError, and ignored elsewhere, as clients expect. SSE-C belongs on encrypted
/// connections: whether this is one the caller checks. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_resolve(
    request: *const ossenc_sse_request,
    resolved: *mut *const ossenc_sse_resolved,
    error: *mut ossenc_sse_error,
) -> ossenc_status {
    refusing(error, || {
        // SAFETY: by the rules of the header.
        let (request, headers, rule) = unsafe {
            no_handle(resolved.cast::<*mut ossenc_sse_resolved>())?;
            let request = sized(request)?;
            (request, array(request.headers, request.n)?, request.rule.bytes()?)
        };
        let dialect = dialect(request.dialect)?;
        // SAFETY: by the rules of the header.
        let pairs = headers.iter().map(|pair| unsafe { Ok((pair.key.bytes()?, pair.value.bytes()?)) });
        let pairs = pairs.collect::<Outcome<Vec<_>>>()?;
        let operation = operation(request.operation)?;
        let (recorded, source) = (method(request.recorded)?, method(request.source)?);
        let outcome = (|| {
            let headers = Headers::read(dialect, pairs)?;
            let rule = Some(rule).filter(|rule| operation.uses_rule() && !rule.is_empty());
            let rule = match rule.map(|rule| Rule::parse(dialect, rule)).transpose() {
                Ok(rule) => rule,
                Err(_) if headers.choose() && operation != Operation::GetBucketEncryption => None,
                Err(_) => return Err(Code::Internal.into()),
            };
            resolve(&Request { operation, headers, rule: rule.as_ref(), recorded, source })
        })();
        let decision = outcome.map_err(|error| Refusal::Client(dialect, error))?;
        // SAFETY: by the rules of the header.
        unsafe { give(resolved.cast(), || Ok(ossenc_sse_resolved::new(dialect, decision)))? };
        Ok(())
    })
}

/// Reads a decision. What it points to is borrowed until `ossenc_sse_resolved_free`. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_resolved_read(
    resolved: *const ossenc_sse_resolved,
    decision: *mut ossenc_sse_decision,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        unsafe { write_sized(decision, get(resolved)?.describe()) }
    })
}

/// Frees a decision, and wipes the customer's keys in it. NULL is legal.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_resolved_free(resolved: *const ossenc_sse_resolved) {
    guard(core::ptr::null_mut(), || {
        // SAFETY: a handle of ours or NULL, by the rules of the header.
        unsafe { take_back(resolved.cast_mut()) };
        Ok(())
    });
}

/// Writes the response headers that tell how an object is encrypted: lines `name: value`, each ended by CR LF; nothing
/// for what is not encrypted (`recorded` NULL or empty) and for operations that neither make, continue nor read an
/// object. `OSSENC_E_FORMAT` and `OSSENC_E_TOONEW` are about the envelope. Pure; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_answer(
    dialect: u32,
    operation: u32,
    recorded: *const ossenc_sse_recorded,
    header_lines: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, envelope, context, key_md5) = unsafe {
            let out = room(header_lines)?;
            if recorded.is_null() {
                (out, &[][..], "", "")
            } else {
                let recorded = sized(recorded)?;
                let context = recorded.context_json.str()?;
                (out, recorded.envelope.bytes()?, context, recorded.customer_key_md5.str()?)
            }
        };
        let (dialect, operation) = (self::dialect(dialect)?, self::operation(operation)?);
        let context = if context.is_empty() { None } else { Some(own(EncryptionContext::from_json(context))?) };
        let recorded = describe_recorded(operation, envelope, context.as_ref(), key_md5)?;
        let lines = answer(dialect, operation, recorded.as_ref());
        let lines: String = lines.iter().flat_map(|(name, value)| [name, ": ", value, "\r\n"]).collect();
        out.write(lines.as_bytes())
    })
}

/// Reads a rule's document of any client, and writes it anew: as it is to be stored and answered.
///
/// `dialect` is that of `document`; `form`, `OSSENC_SSE_RULE_...`, that of the output. An empty `document` means that the
/// bucket has no rule: `OSSENC_SSE_RULE_BUCKET_INFO` says so, the others are refused as GetBucketEncryption is. Refusals
/// are `OSSENC_E_EXPECT`, with `error` saying how to answer. At most 65,536 bytes of document; its work is bounded,
/// whatever it holds. Pure; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_rule(
    dialect: u32,
    document: ossenc_in,
    form: u32,
    out: *mut ossenc_out,
    error: *mut ossenc_sse_error,
) -> ossenc_status {
    refusing(error, || {
        // SAFETY: by the rules of the header.
        let (out, document) = unsafe { (room(out)?, document.bytes()?) };
        let dialect = self::dialect(dialect)?;
        let refused = |error| Refusal::Client(dialect, error);
        let rule = if document.is_empty() { None } else { Some(Rule::parse(dialect, document).map_err(refused)?) };
        let to_xml = |form| rule.as_ref().map(|rule| rule.to_xml(form)).ok_or_else(|| refused(Code::NoRule.into()));
        let text = match form {
            OSSENC_SSE_RULE_OSS => to_xml(Dialect::Oss)?,
            OSSENC_SSE_RULE_S3 => to_xml(Dialect::S3)?,
            OSSENC_SSE_RULE_BUCKET_INFO => Rule::to_bucket_info(rule.as_ref()),
            _ => argument("form is none of OSSENC_SSE_RULE_...")?,
        };
        Ok(out.write(text.as_bytes())?)
    })
}

/// Says how to answer a request whose object could not be created, opened or rewrapped: fills `error` for `status`.
///
/// `method` is that of the object, `key_id` the key or alias that was used, empty for none, and `key` what
/// `ossenc_keystore_key` says of that key, which tells `OSSENC_E_KEYSTATE` apart; NULL for a key of a key service, where it
/// means that the key is disabled. Of an enabled key whose material was imported it is the material that has expired: what
/// helps is to import it again, so it is answered like a key that waits for that. Of the service's own key
/// (`OSSENC_METHOD_SSE_OSS`) clients know nothing: a key that is not there or does not serve is 500 for them.
///
/// With `OSSENC_METHOD_SSE_C`, `OSSENC_E_COMMIT` means a wrong key, which is the client's fault; with
/// `OSSENC_METHOD_SSE_KMS`, `OSSENC_E_STATE` means that there is no key service: a daemon without one passes it. A key
/// service that forbids (`OSSENC_E_DENIED`) is 403, one that is away (`OSSENC_E_KMS_RETRY`, `OSSENC_E_TIMEOUT`) 503; what is
/// neither the client's nor the key's fault is 500. Returns `OSSENC_OK`, also for a `status` of 0, for which `error->http`
/// is 0. Pure; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_failure(
    dialect: u32,
    status: ossenc_status,
    method: u32,
    key_id: ossenc_in,
    key: *const ossenc_key_info,
    error: *mut ossenc_sse_error,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (key_id, key) = unsafe { (key_id.str()?, if key.is_null() { None } else { Some(sized(key)?) }) };
        let (dialect, method) = (self::dialect(dialect)?, self::method(method)?);
        let failure = failure(status, method, key.as_ref());
        let key_id = if key_id.is_empty() { None } else { Some(own(KeyId::new(key_id))?) };
        let report = failure.map(|failure| (dialect, failure.error(key_id.as_ref())));
        // SAFETY: by the rules of the header.
        unsafe { write_sized(error, describe_error(report)) }
    })
}

/// Writes the body of an error's response: the element `<Error>` of the dialect. `code` and `message` are those of an
/// `ossenc_sse_error`, or the caller's own for errors that have nothing to do with encryption; any UTF-8, which is
/// escaped. With `head`, which is for OSS, it is the base64 of that, for the header `x-oss-err`: the response to a HEAD has
/// no body. Pure; any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ossenc_sse_error_body(
    dialect: u32,
    code: ossenc_in,
    message: ossenc_in,
    info: *const ossenc_sse_request_info,
    head: i32,
    body: *mut ossenc_out,
) -> ossenc_status {
    guard(core::ptr::null_mut(), || {
        // SAFETY: by the rules of the header.
        let (out, code, message, info) = unsafe { (room(body)?, code.str()?, message.str()?, sized(info)?) };
        // SAFETY: by the rules of the header.
        let (request_id, host_id, ec, resource) =
            unsafe { (info.request_id.str()?, info.host_id.str()?, info.ec.str()?, info.resource.str()?) };
        let dialect = self::dialect(dialect)?;
        let info = RequestInfo { request_id, host_id, ec, resource };
        let text = match (head != 0, dialect) {
            (false, _) => error_xml(dialect, code, message, &info),
            (true, Dialect::Oss) => error_header(code, message, &info),
            (true, Dialect::S3) => argument("only OSS tells errors of a HEAD")?,
        };
        out.write(text.as_bytes())
    })
}

impl ossenc_sse_resolved {
    fn new(dialect: Dialect, decision: Decision) -> ossenc_sse_resolved {
        let mut resolved =
            ossenc_sse_resolved { decision, dialect, rule: String::new(), pairs: Vec::new(), context: String::new() };
        match &resolved.decision {
            Decision::Begin { encryption: Encryption::SseKms { context, .. }, .. } if !context.is_empty() => {
                let pair = |(key, value): &(String, String)| ossenc_pair { key: borrowed(key), value: borrowed(value) };
                resolved.pairs = context.pairs().iter().map(pair).collect();
                resolved.context = context.to_json();
            }
            Decision::MakeBucket(Some(rule)) => resolved.rule = rule.to_xml(dialect),
            _ => {}
        }
        resolved
    }

    fn describe(&self) -> ossenc_sse_decision {
        let mut described = ossenc_sse_decision {
            size: 0,
            what: OSSENC_SSE_NOTHING,
            method: OSSENC_METHOD_NONE,
            default_key: 0,
            bucket_key: 0,
            key_id: borrowed(""),
            context: self.pairs.as_ptr(),
            contexts: self.pairs.len(),
            context_json: borrowed(&self.context),
            customer_key: borrowed(""),
            customer_key_md5: borrowed(""),
            source_key: borrowed(""),
            rule: borrowed(&self.rule),
        };
        let mut give_keys = |customer: Option<&CustomerKey>, source: Option<&CustomerKey>| {
            described.customer_key = key_bytes(customer);
            described.customer_key_md5 = borrowed(customer.map_or("", CustomerKey::md5));
            described.source_key = key_bytes(source);
        };
        match &self.decision {
            Decision::Begin { encryption, source_key } => {
                let customer_key = if let Encryption::SseC(key) = encryption { Some(key) } else { None };
                give_keys(customer_key, source_key.as_ref());
                described.what = OSSENC_SSE_BEGIN;
                described.method = match encryption {
                    Encryption::Plain => OSSENC_METHOD_NONE,
                    Encryption::SseOss => OSSENC_METHOD_SSE_OSS,
                    Encryption::SseKms { .. } => OSSENC_METHOD_SSE_KMS,
                    Encryption::SseC(_) => OSSENC_METHOD_SSE_C,
                };
                if let Encryption::SseKms { key, bucket_key, .. } = encryption {
                    described.default_key = u32::from(*key == Key::Default);
                    described.bucket_key = u32::from(*bucket_key);
                    described.key_id = borrowed(key.id(self.dialect));
                }
            }
            Decision::GoOn { customer_key, source_key } => {
                give_keys(customer_key.as_ref(), source_key.as_ref());
                described.what = OSSENC_SSE_GO_ON;
            }
            Decision::MakeBucket(_) => described.what = OSSENC_SSE_MAKE_BUCKET,
            Decision::Nothing => {}
        }
        described
    }
}

fn borrowed(text: &str) -> ossenc_in {
    ossenc_in { p: text.as_ptr().cast(), n: text.len() }
}

fn key_bytes(key: Option<&CustomerKey>) -> ossenc_in {
    key.map_or(borrowed(""), |key| ossenc_in { p: key.bytes().as_ptr().cast(), n: key.bytes().len() })
}

fn describe_recorded<'a>(
    operation: Operation,
    envelope: &[u8],
    context: Option<&'a EncryptionContext>,
    key_md5: &'a str,
) -> Outcome<Option<Recorded<'a>>> {
    let envelope = if envelope.is_empty() { None } else { Some(Envelope::parse(envelope)?) };
    let customer = !key_md5.is_empty();
    // It goes into a header as it stands.
    if customer && (key_md5.len() != 24 || !key_md5.bytes().all(|byte| byte.is_ascii_graphic())) {
        return argument("an MD5 in base64 has 24 characters");
    }
    let Some(envelope) = envelope else { return Ok(customer.then_some(Recorded::SseC { key_md5 })) };
    match (envelope.method(), customer) {
        (ossenc::Method::SseOss, false) => Ok(Some(Recorded::SseOss)),
        (ossenc::Method::SseKms, false) => {
            let slot = &envelope.slots()[0];
            let bucket_key = matches!(slot.kind(), Kind::BucketKey | Kind::BucketKeyReference);
            Ok(Some(Recorded::SseKms { key_id: own(KeyId::new(slot.key_id()))?, bucket_key, context }))
        }
        (ossenc::Method::SseC, true) => Ok(Some(Recorded::SseC { key_md5 })),
        // Clients need not give the key, and are told nothing of it.
        (ossenc::Method::SseC, false) if operation == Operation::CompleteMultipartUpload => Ok(None),
        _ => argument("the MD5 of a customer's key goes with SSE-C, and SSE-C with it"),
    }
}

/// Why a call here does not do what it was asked to.
enum Refusal {
    /// The client's request is at fault.
    Client(Dialect, SseError),
    /// The caller is.
    Caller(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::Caller(failure)
    }
}

/// As `guard`, and tells the client's error apart from the caller's.
fn refusing(error: *mut ossenc_sse_error, body: impl FnOnce() -> Result<(), Refusal>) -> ossenc_status {
    let tell = |report| {
        // SAFETY: by the rules of the header. One that is NULL, or whose size was not set, is left alone.
        let _ = unsafe { write_sized(error, describe_error(report)) };
    };
    guard(core::ptr::null_mut(), || {
        tell(None);
        body().map_err(|refusal| match refusal {
            Refusal::Client(dialect, error) => {
                tell(Some((dialect, error)));
                Failure::Core(ossenc::Error::Expect("the request is refused"))
            }
            Refusal::Caller(failure) => failure,
        })
    })
}

fn describe_error(report: Option<(Dialect, SseError)>) -> ossenc_sse_error {
    let (http, code, message) = report.map_or((0, "", ""), |(dialect, error)| {
        (error.code().status(dialect), error.code().name(dialect), error.message())
    });
    ossenc_sse_error { size: 0, http: http.into(), code: terminated(code), message: terminated(message) }
}

/// Texts of the crate, which are shorter than their places; a longer one is cut.
fn terminated<const N: usize>(text: &str) -> [core::ffi::c_char; N] {
    let mut field = [0; N];
    for (place, byte) in field[..N - 1].iter_mut().zip(text.bytes()) {
        *place = byte as core::ffi::c_char;
    }
    field
}

/// What is wrong with the caller's own argument.
fn own<T>(checked: Result<T, SseError>) -> Outcome<T> {
    checked.or_else(|error| argument(error.message()))
}

/// What clients are told of a status; `None` for success.
fn failure(status: ossenc_status, method: Option<Method>, key: Option<&ossenc_key_info>) -> Option<KeyFailure> {
    let of_customer = method != Some(Method::SseOss);
    let failure = match status {
        OSSENC_OK => return None,
        OSSENC_E_NOVERSION if of_customer => KeyFailure::NotFound,
        OSSENC_E_KEYSTATE if of_customer => match key.map(|key| (key.state, key.origin)) {
            None | Some((OSSENC_KEY_DISABLED, _)) => KeyFailure::Disabled,
            Some((OSSENC_KEY_PENDING_DELETION, _)) => KeyFailure::PendingDeletion,
            Some((OSSENC_KEY_PENDING_IMPORT, _) | (OSSENC_KEY_ENABLED, IMPORTED)) => KeyFailure::PendingImport,
            // A version that was retired too early, or destroyed.
            Some(_) => KeyFailure::Other,
        },
        OSSENC_E_STATE if method == Some(Method::SseKms) => KeyFailure::NoKms,
        OSSENC_E_DENIED => KeyFailure::Denied,
        OSSENC_E_KMS_RETRY | OSSENC_E_TIMEOUT => KeyFailure::Busy,
        OSSENC_E_COMMIT if method == Some(Method::SseC) => KeyFailure::WrongCustomerKey,
        _ => KeyFailure::Other,
    };
    Some(failure)
}

fn dialect(number: u32) -> Outcome<Dialect> {
    match number {
        OSSENC_SSE_OSS => Ok(Dialect::Oss),
        OSSENC_SSE_S3 => Ok(Dialect::S3),
        _ => argument("dialect is neither OSSENC_SSE_OSS nor OSSENC_SSE_S3"),
    }
}

fn method(number: u32) -> Outcome<Option<Method>> {
    match number {
        OSSENC_METHOD_NONE => Ok(None),
        OSSENC_METHOD_SSE_OSS => Ok(Some(Method::SseOss)),
        OSSENC_METHOD_SSE_KMS => Ok(Some(Method::SseKms)),
        OSSENC_METHOD_SSE_C => Ok(Some(Method::SseC)),
        _ => argument("method is none of OSSENC_METHOD_..."),
    }
}

fn operation(number: u32) -> Outcome<Operation> {
    Ok(match number {
        OSSENC_SSE_PUT_OBJECT => Operation::PutObject,
        OSSENC_SSE_POST_OBJECT => Operation::PostObject,
        OSSENC_SSE_COPY_OBJECT => Operation::CopyObject,
        OSSENC_SSE_INITIATE_UPLOAD => Operation::InitiateMultipartUpload,
        OSSENC_SSE_UPLOAD_PART => Operation::UploadPart,
        OSSENC_SSE_UPLOAD_PART_COPY => Operation::UploadPartCopy,
        OSSENC_SSE_COMPLETE_UPLOAD => Operation::CompleteMultipartUpload,
        OSSENC_SSE_APPEND_FIRST => Operation::AppendObject { position: 0 },
        // Where exactly makes no difference.
        OSSENC_SSE_APPEND_LATER => Operation::AppendObject { position: 1 },
        OSSENC_SSE_GET_OBJECT => Operation::GetObject,
        OSSENC_SSE_HEAD_OBJECT => Operation::HeadObject,
        OSSENC_SSE_LIST_PARTS => Operation::ListParts,
        OSSENC_SSE_PUT_BUCKET => Operation::PutBucket,
        OSSENC_SSE_PUT_BUCKET_ENCRYPTION => Operation::PutBucketEncryption,
        OSSENC_SSE_GET_BUCKET_ENCRYPTION => Operation::GetBucketEncryption,
        OSSENC_SSE_DELETE_BUCKET_ENCRYPTION => Operation::DeleteBucketEncryption,
        OSSENC_SSE_GET_BUCKET_INFO => Operation::GetBucketInfo,
        OSSENC_SSE_OTHER => Operation::Other,
        _ => argument("operation is none of OSSENC_SSE_...")?,
    })
}
