//! The real nginx and the real apache, each with a page and a folder that wants a password.

use std::fs;
use std::time::Duration;

use crate::attacker::Knock;
use crate::command::run;
use crate::machine::World;
use crate::trouble::Tried;
use crate::waiting::until_true;

/// Debian's format and files, without its includes.
const NGINX: &str = "
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

/// Debian's format and files, with the modules that its package turns on for this.
const APACHE: &str = "
ServerRoot /etc/apache2
ServerName server
PidFile /run/apache2.pid
DefaultRuntimeDir /run
Listen 80
User www-data
Group www-data
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_basic_module /usr/lib/apache2/modules/mod_auth_basic.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
ErrorLog /var/log/apache2/error.log
LogFormat \"%h %l %u %t \\\"%r\\\" %>s %O \\\"%{Referer}i\\\" \\\"%{User-Agent}i\\\"\" combined
CustomLog /var/log/apache2/access.log combined
DocumentRoot FOLDER
<Location /private/>
    AuthType Basic
    AuthName private
    AuthUserFile FOLDER/.users
    Require valid-user
</Location>
";

/// The name and password of `/private/`, as basic authentication sends them: `bob:secret`.
pub const RIGHT: &str = "Authorization: Basic Ym9iOnNlY3JldA==\r\n";
/// The same with a wrong password: `bob:wrong`.
pub const WRONG: &str = "Authorization: Basic Ym9iOndyb25n\r\n";

/// Starts nginx and waits until it answers.
pub fn start(world: &World) -> Tried<()> {
    serve(world, "nginx", "-c", NGINX)
}

/// Starts apache and waits until it answers.
pub fn start_apache(world: &World) -> Tried<()> {
    serve(world, "apache2", "-f", APACHE)
}

fn serve(world: &World, program: &str, option: &str, conf: &str) -> Tried<()> {
    let server = &world.server;
    // The hash is one that both servers read: SHA-1 of `secret`.
    server.shell(&format!(
        "mkdir -p /var/log/{program} /run/www/private; echo hello >/run/www/index.html\n\
         echo 'bob:{{SHA}}5en6G6MezRroT3XKqkdPOmY/BfQ=' >/run/www/.users\n\
         echo x >/run/www/private/index.html"
    ))?;
    let path = server.folder().join("web.conf");
    fs::write(&path, conf.replace("FOLDER", "/run/www"))?;
    run(server.command(program).arg(option).arg(path))?;
    until_true("the web server answers", Duration::from_secs(10), || {
        Ok(world.attacker.knock("203.0.113.250", 80)? == Knock::Open)
    })?;
    Ok(())
}
