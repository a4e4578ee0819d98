//! `monban rules` and `monban config`.

use crate::out;
use std::path::PathBuf;
use std::process::ExitCode;

use monban_config::{Bundle, DEFAULTS};
use monban_rules::Service;
use serde_json::{Value, json};

use super::Context;
use crate::{problems, shipped};

/// What monban recognises.
pub fn rules(context: &Context<'_>, service: Option<&str>) -> Result<ExitCode, String> {
    let bundle =
        Bundle::read(&context.place.config, context.place.config_named).unwrap_or_default();
    let refused = |found: Vec<_>| problems::show(&found, Some(&bundle), context.say);
    shipped::load(&bundle, false).map_err(refused)?;
    let rules = shipped::with_examples(&bundle).map_err(refused)?;
    let all: Vec<&Service> = rules.services().collect();
    let chosen: Vec<&Service> =
        all.iter().copied().filter(|s| service.is_none_or(|name| s.name == name)).collect();
    if let (true, Some(name)) = (chosen.is_empty(), service) {
        let known: Vec<&str> = all.iter().map(|s| s.name.as_str()).collect();
        let values = [("service", name), ("known", &known.join(", "))];
        return Err(context.say.text("rules-unknown", &values));
    }
    if context.json {
        let services: Vec<Value> = chosen.iter().map(|s| as_json(s)).collect();
        out::json(&json!({"services": services}));
        return Ok(ExitCode::SUCCESS);
    }
    for service in chosen {
        let programs = match service.programs.is_empty() {
            true => "-".to_owned(),
            false => service.programs.join(", "),
        };
        let values = [
            ("service", service.name.as_str()),
            ("title", &service.title),
            ("programs", &programs),
        ];
        out::line(context.say.text("rules-head", &values));
        for rule in &service.rules {
            for wording in rule.wordings.iter().chain(&rule.regex) {
                let (kind, id) = (rule.kind.name(), &rule.id);
                out::line(format!("  {kind:18} {id:28} {}", wording.text));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(service: &Service) -> Value {
    let rule = |rule: &monban_rules::Rule| {
        json!({
            "id": rule.id,
            "kind": rule.kind.name(),
            "lines": rule.wordings.iter().chain(&rule.regex).map(|w| &w.text).collect::<Vec<_>>(),
            "cites": rule.cites,
            "sees": rule.sees.iter().map(|e| &e.message).collect::<Vec<_>>(),
        })
    };
    json!({
        "service": service.name,
        "title": service.title,
        "programs": service.programs,
        "ports": service.ports,
        "rules": service.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

/// Says all that is wrong with the configuration and the operator's rules.
pub fn check(context: &Context<'_>) -> Result<ExitCode, String> {
    let found = match Bundle::read(&context.place.config, context.place.config_named) {
        Err(found) => Err((found, None)),
        Ok(bundle) => match shipped::load(&bundle, true) {
            Ok(loaded) => Ok(loaded),
            Err(found) => Err((found, Some(bundle))),
        },
    };
    match found {
        Ok(loaded) => {
            let rules = loaded.rules.catalog().rules.len();
            let policies = loaded.config.policies.len();
            let origins = loaded.config.origins.len();
            let geo = loaded.config.geo.map_or_else(|| context.place.geo(), PathBuf::from);
            let lacks = origins > 0 && !geo.exists();
            if context.json {
                out::json(&json!({
                    "good": true, "policies": policies, "patterns": rules, "problems": [],
                    "origins": origins, "lacks_database": lacks,
                }));
            } else {
                let values = [("policies", policies.to_string()), ("rules", rules.to_string())];
                let values: Vec<(&str, &str)> =
                    values.iter().map(|(n, v)| (*n, v.as_str())).collect();
                out::line(context.say.text("config-good", &values));
                if lacks {
                    out::line(context.say.text("origin-no-database", &[]));
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Err((found, bundle)) => {
            if context.json {
                let problems: Vec<Value> = found.iter().map(problem_json).collect();
                out::json(&json!({"good": false, "problems": problems}));
            } else {
                out::write(&problems::show(&found, bundle.as_ref(), context.say));
                let count = found.len().to_string();
                out::line(context.say.text("problems", &[("count", &count)]));
            }
            Ok(ExitCode::from(2))
        }
    }
}

fn problem_json(problem: &monban_model::Problem) -> Value {
    json!({
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "what": problem.what,
        "why": problem.why,
        "hint": problem.hint,
    })
}

/// Prints the defaults.
pub fn defaults() -> Result<ExitCode, String> {
    out::write(DEFAULTS);
    Ok(ExitCode::SUCCESS)
}
