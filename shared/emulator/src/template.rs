//! What happens to the template before it is deployed: as little as possible.

use std::collections::BTreeMap;

use serde_yaml_ng::{Mapping, Value};

/// The types of what can be used without a function: what a test of an adapter needs.
const DATA_TYPES: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::SQS::Queue"];

/// Why a template can't be prepared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// A function has no package.
    #[error("the template's CodeUri `{code_uri}` (line {line}) names a function that wasn't built")]
    NoPackage {
        /// What stands in the template.
        code_uri: String,
        /// Where, from 1.
        line: usize,
    },
    /// A package belongs to no function.
    #[error("the template has no function for the built `{function}`")]
    NoFunction {
        /// The name of the function's directory.
        function: String,
    },
    /// It isn't YAML.
    #[error("the template can't be read")]
    Yaml(#[from] serde_yaml_ng::Error),
    /// It is YAML, but no template.
    #[error("the template has no Resources")]
    NoResources,
}

/// Replaces the value of each `CodeUri` by the address of the package that was made of that directory,
/// as packaging does. All other bytes stay as they are.
///
/// `packages` maps a function's directory name (`cart-add`) to an `s3://` address.
pub(crate) fn with_code(
    template: &str,
    packages: &BTreeMap<String, String>,
) -> Result<String, TemplateError> {
    let mut unused: BTreeMap<&str, ()> = packages.keys().map(|name| (name.as_str(), ())).collect();
    let mut result = String::with_capacity(template.len());
    for (index, line) in template.split_inclusive('\n').enumerate() {
        let Some((indent, code_uri)) = code_uri_of(line) else {
            result.push_str(line);
            continue;
        };
        let function = code_uri.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let package = packages
            .get(function)
            .ok_or_else(|| TemplateError::NoPackage { code_uri: code_uri.to_owned(), line: index + 1 })?;
        unused.remove(function);
        result.push_str(indent);
        result.push_str("CodeUri: ");
        result.push_str(package);
        result.push('\n');
    }
    match unused.into_keys().next() {
        Some(function) => Err(TemplateError::NoFunction { function: function.to_owned() }),
        None => Ok(result),
    }
}

/// Adds `mark` to the template's metadata, where it changes no resource and can be read back.
pub(crate) fn with_mark(mut template: String, mark: &str) -> String {
    const METADATA: &str = "Metadata:\n";
    let entry = format!("  Deployment: {mark}\n");
    let own = if template.starts_with(METADATA) {
        Some(0)
    } else {
        template.find("\nMetadata:\n").map(|at| at + 1)
    };
    if let Some(at) = own {
        template.insert_str(at + METADATA.len(), &entry);
        return template;
    }
    if !template.ends_with('\n') {
        template.push('\n');
    }
    template + METADATA + &entry
}

/// The indentation and value of a line `CodeUri: <path>`.
fn code_uri_of(line: &str) -> Option<(&str, &str)> {
    let (indent, value) = line.split_once("CodeUri:")?;
    let value = value.split(" #").next().unwrap_or_default().trim();
    (indent.trim().is_empty() && !value.is_empty()).then_some((indent, value))
}

/// The template with its tables and queues only, for tests that need no function. What is left can be
/// deployed without any package.
pub(crate) fn only_data(template: &str) -> Result<String, TemplateError> {
    let mut root: Mapping = serde_yaml_ng::from_str(template)?;
    let resources =
        root.get_mut("Resources").and_then(Value::as_mapping_mut).ok_or(TemplateError::NoResources)?;
    resources.retain(|_, resource| {
        resource.get("Type").and_then(Value::as_str).is_some_and(|kind| DATA_TYPES.contains(&kind))
    });
    let kept: Vec<Value> = resources.keys().cloned().collect();
    if let Some(outputs) = root.get_mut("Outputs").and_then(Value::as_mapping_mut) {
        outputs.retain(|name, _| kept.contains(name));
    }
    for part in ["Transform", "Globals"] {
        root.remove(part);
    }
    Ok(serde_yaml_ng::to_string(&root)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "\
Transform: AWS::Serverless-2016-10-31
Globals: {Function: {Runtime: provided.al2023}}
Resources:
  # a comment that stays
  Add:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../functions/cart-add/
      Role: !GetAtt Role.Arn # CodeUri: not this
  Notify:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../functions/notify # nor the remark
  Queue:
    Type: AWS::SQS::Queue
    Properties: {QueueName: !Sub \"a-${Stage}\"}
Conditions:
  HasKey: !Equals [a, b]
Outputs:
  Queue: {Value: !Ref Queue}
  Add: {Value: !Ref Add}
";

    fn packages(names: &[&str]) -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), format!("s3://b/{name}.zip"))).collect()
    }

    #[test]
    fn only_the_code_changes() {
        let result = with_code(TEMPLATE, &packages(&["cart-add", "notify"])).unwrap();
        let changed: Vec<_> = TEMPLATE
            .lines()
            .zip(result.lines())
            .filter(|(before, after)| before != after)
            .map(|(_, after)| after.trim())
            .collect();
        assert_eq!(changed, ["CodeUri: s3://b/cart-add.zip", "CodeUri: s3://b/notify.zip"]);
        assert_eq!(TEMPLATE.lines().count(), result.lines().count());
    }

    #[test]
    fn a_function_without_a_package_is_refused_with_its_line() {
        let error = with_code(TEMPLATE, &packages(&["cart-add"])).unwrap_err();
        assert!(
            matches!(error, TemplateError::NoPackage { line: 13, code_uri } if code_uri == "../functions/notify")
        );
    }

    #[test]
    fn a_package_without_a_function_is_refused() {
        let error = with_code(TEMPLATE, &packages(&["cart-add", "notify", "stray"])).unwrap_err();
        assert!(matches!(error, TemplateError::NoFunction { function } if function == "stray"));
    }

    #[test]
    fn a_mark_stands_beside_the_metadata_that_is_there() {
        let with = |template: &str| -> Value {
            serde_yaml_ng::from_str(&with_mark(template.to_owned(), "m")).unwrap()
        };
        for template in
            ["Resources: {}", "Metadata:\n  Own: 1\nResources: {}\n", "Resources: {}\nMetadata:\n  Own: 1\n"]
        {
            let marked = with(template);
            assert_eq!(marked["Metadata"]["Deployment"], "m", "{template}");
            assert_eq!(marked["Metadata"]["Own"].is_number(), template.contains("Own"), "{template}");
            assert!(marked["Resources"].is_mapping(), "{template}");
        }
        let nested = with("Resources:\n  A:\n    Metadata:\n      Own: 1\n");
        assert_eq!(nested["Metadata"]["Deployment"], "m");
        assert!(nested["Resources"]["A"]["Metadata"].get("Deployment").is_none());
    }

    #[test]
    fn the_data_part_keeps_tables_queues_and_their_outputs() {
        let result: Value = serde_yaml_ng::from_str(&only_data(TEMPLATE).unwrap()).unwrap();
        let names = |part: &str| -> Vec<String> {
            let keys = result[part].as_mapping().unwrap().keys();
            keys.map(|key| key.as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("Resources"), ["Queue"]);
        assert_eq!(names("Outputs"), ["Queue"]);
        assert!(only_data(TEMPLATE).unwrap().contains("!Sub"));
        assert!(result["Conditions"].get("HasKey").is_some(), "what queues and tables ask for");
        assert!(result.get("Transform").is_none());
    }
}
