//! The arguments of what concerns AWS.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do about AWS.
#[derive(Debug, Subcommand)]
pub enum AwsAction {
    /// Print the least IAM policy for what is configured, as JSON
    Policy,
    /// Show which credentials and region would be used; nothing is sent to AWS
    Check,
}

/// Whose configuration is taken over.
#[derive(Debug, Subcommand)]
pub enum ImportAction {
    /// That of the CloudWatch Logs agent
    Awslogs(AwslogsArgs),
}

/// `monban import awslogs`.
#[derive(Clone, Debug, Args)]
pub struct AwslogsArgs {
    /// Its file; awscli.conf and the folder config beside it are read, too
    #[arg(value_name = "FILE", default_value = "/etc/awslogs/awslogs.conf")]
    pub file: PathBuf,
    /// Where to write the configuration
    #[arg(long, value_name = "FILE", default_value = "monban.toml")]
    pub output: PathBuf,
    /// Also over a file that is there
    #[arg(long)]
    pub force: bool,
    /// Change nothing: show what would be taken over, and the configuration
    #[arg(long)]
    pub dry_run: bool,
}
