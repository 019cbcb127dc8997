//! The lab's page, which the binary embeds. It is sent with caching, compressed if the client accepts that, and with
//! a policy that lets the page talk only to this server, also at its other origin if it has two.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{
        self, AcceptEncoding, CacheControl, CacheDirective, ContentEncoding, ContentType, ETag,
        Encoding, EntityTag, Header, HeaderValue, IfNoneMatch,
    },
    web::Data,
};
use maud::{DOCTYPE, html};

use super::{extractors::list_field, policy::Policy};
use crate::access::own_origins::OwnOrigins;

/// A file of the built page.
pub struct File {
    /// Its path within the page, such as `assets/index-B3x.js`.
    pub name: &'static str,
    /// A hash of its content, the stem of its entity tags.
    pub tag: &'static str,
    pub bytes: &'static [u8],
    /// The same file, compressed when the page was built; `None` if that saves nothing.
    pub brotli: Option<&'static [u8]>,
    pub gzip: Option<&'static [u8]>,
}

impl File {
    /// The smallest form that the client accepts. Each form has its own entity tag, because a strong tag identifies
    /// the bytes.
    fn negotiate(
        &self,
        request: &HttpRequest,
        variant: &str,
    ) -> (ContentEncoding, EntityTag, &'static [u8]) {
        let accepted = AcceptEncoding::parse(request).unwrap_or(AcceptEncoding(Vec::new()));
        let supported = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
        let tag = |suffix| EntityTag::new_strong(format!("{}{variant}{suffix}", self.tag));
        let best = accepted.negotiate(supported.iter());
        match (best, self.brotli, self.gzip) {
            (Some(Encoding::Known(ContentEncoding::Brotli)), Some(bytes), _) => {
                (ContentEncoding::Brotli, tag("-br"), bytes)
            }
            (Some(Encoding::Known(ContentEncoding::Gzip)), _, Some(bytes)) => {
                (ContentEncoding::Gzip, tag("-gzip"), bytes)
            }
            _ => (ContentEncoding::Identity, tag(""), self.bytes),
        }
    }
}

/// The built page, or one sentence on how to get it.
pub type EmbeddedPage = Result<&'static [File], &'static str>;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; connect-src 'self'";

/// One address of the page: a file, or the sentence that says why there is none.
#[derive(Clone, Copy)]
pub enum PageFile {
    Built(&'static File),
    Missing(&'static str),
}

/// The addresses of `page`; `/` is the page itself.
pub fn files(page: EmbeddedPage) -> Vec<PageFile> {
    match page {
        Ok(files) => files.iter().map(PageFile::Built).collect(),
        Err(missing) => vec![PageFile::Missing(missing)],
    }
}

impl PageFile {
    pub fn path(self) -> String {
        match self {
            Self::Built(file) if file.name != "index.html" => format!("/{}", file.name),
            Self::Built(_) | Self::Missing(_) => "/".to_owned(),
        }
    }

    pub fn serve(self, request: &HttpRequest) -> HttpResponse {
        match self {
            Self::Built(file) => serve(file, request),
            Self::Missing(missing) => HttpResponse::Ok()
                .content_type(ContentType::plaintext())
                .body(missing),
        }
    }
}

fn serve(file: &'static File, request: &HttpRequest) -> HttpResponse {
    // Names under `assets/` hold a hash of their content.
    let cache = if file.name.starts_with("assets/") {
        let for_ever = CacheDirective::MaxAge(365 * 24 * 3600);
        vec![
            for_ever,
            CacheDirective::Extension("immutable".into(), None),
        ]
    } else {
        vec![CacheDirective::NoCache]
    };
    let policy = request.app_data::<Data<Policy>>();
    let own = policy.filter(|_| file.name == "index.html");
    let own = own.and_then(|policy| policy.own_origins(request.headers()));
    // The head contains the page's policy, so another policy needs another tag.
    let variant = own.as_ref().map(OwnOrigins::tag);
    let (encoding, tag, bytes) = file.negotiate(request, variant.as_deref().unwrap_or_default());
    let not_modified = match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_) => false,
    };
    let mut response = if not_modified {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header(CacheControl(cache))
        .insert_header(ETag(tag))
        .insert_header((
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .insert_header((
            header::REFERRER_POLICY,
            HeaderValue::from_static("no-referrer"),
        ));
    if file.brotli.is_some() || file.gzip.is_some() {
        response.insert_header((header::VARY, HeaderValue::from_static("Accept-Encoding")));
    }
    if let Some(own) = &own {
        response.insert_header((header::LINK, own.link()));
    }
    if not_modified {
        return response.finish();
    }
    if encoding != ContentEncoding::Identity {
        response.insert_header(encoding);
    }
    let csp = match &own {
        Some(own) => format!("{CONTENT_SECURITY_POLICY} {} {}", own.http, own.https),
        None => CONTENT_SECURITY_POLICY.to_owned(),
    };
    response
        .content_type(content_type(file.name))
        .insert_header((header::CONTENT_SECURITY_POLICY, csp))
        .body(bytes)
}

/// Whether the client accepts HTML: browsers do when a user navigates, programs do not.
pub fn accepts_html(request: &HttpRequest) -> bool {
    let accept = list_field(request, header::ACCEPT);
    accept.is_some_and(|types| types.contains("text/html"))
}

/// The page for an unknown address, with a link to the lab. The link is relative, because a proxy may serve this
/// server under a path prefix.
pub fn not_found_page(path: &str) -> HttpResponse {
    let up = match path.matches('/').count() {
        0 | 1 => "./".to_owned(),
        deep => "../".repeat(deep - 1),
    };
    let path: String = path.chars().take(200).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                title { "Nothing here · poll vs sse" }
            }
            body {
                h1 { "Nothing here" }
                p { "There is nothing at " code { (path) } "." }
                p { a href=(up) { "Go to the lab" } }
            }
        }
    };
    HttpResponse::NotFound()
        .content_type(content_type("astray.html"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(page.into_string())
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("json" | "webmanifest") => "application/json",
        _ => "application/octet-stream",
    }
}
