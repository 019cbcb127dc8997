//! The configurations of `deploy/`, for programs in front of the server.

use std::{fs, path::Path};

/// A file of `deploy/`.
pub fn deployed(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file);
    fs::read_to_string(path).expect("the file")
}

/// The arguments for nginx to serve `site`, a file for its `http` block. All other files of nginx are next to it.
pub fn nginx_arguments(site: &Path) -> [String; 6] {
    let at = site.parent().expect("a directory").display();
    let main = format!(
        "daemon off; master_process off; pid {at}/pid; error_log {at}/error.log;\n\
         events {{ worker_connections 4096; }}\n\
         http {{ access_log off; client_body_temp_path {at}/a; proxy_temp_path {at}/b;\n\
         fastcgi_temp_path {at}/c; uwsgi_temp_path {at}/d; scgi_temp_path {at}/e;\n\
         include {}; }}",
        site.display()
    );
    let path = format!("{at}/main.conf");
    fs::write(&path, main).expect("writes");
    let (log, prefix) = (format!("{at}/error.log"), at.to_string());
    ["-e", &log, "-p", &prefix, "-c", &path].map(str::to_owned)
}
