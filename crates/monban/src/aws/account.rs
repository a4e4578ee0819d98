//! Whose rights are used, and in which region: the configuration, the environment and this machine
//! together.

use monban_courier::aws::{
    Cause, ContainerAt, Fault, Instance, Keys, KeysFrom, is_region, shared_value,
};
use monban_model::limits::AWS_TOKEN_MAX;
use monban_model::{Aws, AwsAccount, AwsCredentials, AwsKeys, AwsStream, Secret};

use crate::roles::equipment;

/// Longest file of keys, in bytes.
const TEXT_MAX: usize = 4 * AWS_TOKEN_MAX;

/// How the environment is looked into.
pub type Look<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The environment of this process.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Whose rights are used, with the keys and words that stand in files and in the environment. Asks
/// nobody.
///
/// # Errors
/// There are none, for a reason that is said without the secret.
pub fn read(aws: &Aws, look: Look<'_>) -> Result<AwsAccount, Fault> {
    let region = named_region(aws, look)?.map(|(region, _)| region);
    let (endpoint, metrics) = (aws.endpoint.clone(), aws.metrics.clone());
    let streams = aws.logs.iter().map(AwsStream::of).collect();
    let keys = read_keys(&aws.credentials, look)?;
    Ok(AwsAccount { region, endpoint, keys, metrics, streams })
}

fn read_keys(credentials: &AwsCredentials, look: Look<'_>) -> Result<AwsKeys, Fault> {
    let given = |keys: Keys| AwsKeys::Given { id: keys.id, secret: keys.secret, token: keys.token };
    match credentials {
        AwsCredentials::Keys { key_id, secret } => {
            let Secret(text) = equipment::secret(secret).map_err(no_credentials)?;
            Keys::new(key_id, Secret(text.trim().to_owned()), None).map(given)
        }
        AwsCredentials::Shared { file, profile } => {
            let text = equipment::text(file, TEXT_MAX, true).map_err(no_credentials)?;
            let none = || no_credentials(format!("{file} has no keys of the profile `{profile}`"));
            Keys::of_shared(&text, profile)?.map(given).ok_or_else(none)
        }
        AwsCredentials::Environment => {
            let none = || no_credentials("the environment has no AWS_ACCESS_KEY_ID".to_owned());
            Keys::of_environment(look)?.map(given).ok_or_else(none)
        }
        AwsCredentials::InstanceRole => {
            let file = look("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
            let file = file.filter(|file| !file.is_empty());
            // The platform made it for whoever is in the container.
            let token = file.map(|file| equipment::text(&file, TEXT_MAX, false)).transpose();
            Ok(AwsKeys::Role { token: token.map_err(no_credentials)?.map(Secret) })
        }
    }
}

/// Where the credentials come from, ready to be asked for. Reads no file, and asks nobody.
///
/// # Errors
/// There are none, for a reason that is said without the secret.
pub fn keys_from(keys: &AwsKeys, look: Look<'_>) -> Result<KeysFrom, Fault> {
    match keys {
        AwsKeys::Given { id, secret, token } => {
            Keys::new(id, secret.clone(), token.clone()).map(KeysFrom::Given)
        }
        AwsKeys::Role { token } => {
            let token = token.as_ref().map(|token| token.0.as_str());
            if let Some(at) = ContainerAt::of_environment(look, token)? {
                return Ok(KeysFrom::Container(at));
            }
            let none = || no_credentials("AWS_EC2_METADATA_DISABLED forbids a role".to_owned());
            Instance::of_environment(look)?.map(KeysFrom::Instance).ok_or_else(none)
        }
    }
}

/// The region that files and the environment name, and the word for where.
fn named_region(aws: &Aws, look: Look<'_>) -> Result<Option<(String, &'static str)>, Fault> {
    if let Some(region) = &aws.region {
        return Ok(Some((region.clone(), "configuration")));
    }
    let named = ["AWS_REGION", "AWS_DEFAULT_REGION"].into_iter().find_map(look);
    if let Some(region) = named.filter(|region| is_region(region)) {
        return Ok(Some((region, "environment")));
    }
    let AwsCredentials::Shared { file, profile } = &aws.credentials else { return Ok(None) };
    let text = equipment::text(file, TEXT_MAX, true).map_err(no_credentials)?;
    let region = shared_value(&text, profile, "region").filter(|region| is_region(region));
    Ok(region.map(|region| (region.to_owned(), "shared")))
}

/// The region, and the word for where it comes from. May ask the metadata service of this machine.
///
/// # Errors
/// There is none.
pub fn region(aws: &Aws, look: Look<'_>) -> Result<(String, &'static str), Fault> {
    match named_region(aws, look)? {
        Some(named) => Ok(named),
        None => instance_region(look).map(|region| (region, "instance")),
    }
}

/// The region of this instance; asks the metadata service.
///
/// # Errors
/// There is none.
pub fn instance_region(look: Look<'_>) -> Result<String, Fault> {
    let none = || {
        let text = "no region is named: write region = \"...\" into [aws]";
        Fault { cause: Cause::Invalid, transient: false, text: text.to_owned() }
    };
    Instance::of_environment(look)?.ok_or_else(none)?.region()
}

fn no_credentials(text: String) -> Fault {
    Fault { cause: Cause::Credentials, transient: false, text }
}
