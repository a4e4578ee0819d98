//! The real nginx with one page.

use std::fs;
use std::time::Duration;

use crate::attacker::Knock;
use crate::command::run;
use crate::machine::World;
use crate::trouble::Tried;
use crate::waiting::until_true;

/// Debian's format and files, without its includes.
const CONF: &str = "
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 256; }
http {
    access_log /var/log/nginx/access.log combined;
    server {
        listen 80;
        listen [::]:80;
        root FOLDER;
        location /private/ {
            auth_basic \"private\";
            auth_basic_user_file FOLDER/.users;
        }
    }
}
";

/// Starts it and waits until it answers.
pub fn start(world: &World) -> Tried<()> {
    let server = &world.server;
    server.shell(
        "mkdir -p /var/log/nginx /run/www/private; echo hello >/run/www/index.html\n\
         echo 'bob:{PLAIN}secret' >/run/www/.users; echo x >/run/www/private/index.html",
    )?;
    let conf = server.folder().join("nginx.conf");
    fs::write(&conf, CONF.replace("FOLDER", "/run/www"))?;
    run(server.command("nginx").arg("-c").arg(conf))?;
    until_true("nginx answers", Duration::from_secs(10), || {
        Ok(world.attacker.knock("203.0.113.250", 80)? == Knock::Open)
    })?;
    Ok(())
}
