//! Answers held against the document.

use serde_json::Value;

/// Everything in a value that its schema does not describe, or the other way round.
pub(crate) fn differences(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return differences(document, target, value, place, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|choice| choice["type"] == "null");
        match choices.iter().find(|choice| choice["type"] != "null") {
            Some(other) if !value.is_null() => differences(document, other, value, place, found),
            _ if !null => found.push(format!("{place} may not be null")),
            _ => {}
        }
        return;
    }
    let mut properties = serde_json::Map::new();
    let parts = schema["allOf"]
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![schema.clone()]);
    for part in parts {
        let part = match part["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap().clone(),
            None => part,
        };
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
    }
    match value {
        Value::Object(members) => {
            for name in properties.keys().filter(|name| !members.contains_key(*name)) {
                found.push(format!("{place}.{name} is missing"));
            }
            for (name, member) in members {
                match properties.get(name) {
                    Some(schema) => differences(document, schema, member, &format!("{place}.{name}"), found),
                    // An object of which nothing is said may hold anything.
                    None if properties.is_empty() && schema["type"] == "object" => {}
                    None => found.push(format!("{place}.{name} is not documented")),
                }
            }
        }
        Value::Array(items) => {
            items
                .iter()
                .for_each(|item| differences(document, &schema["items"], item, &format!("{place}[]"), found));
        }
        Value::Null => {
            let nullable = schema["type"]
                .as_array()
                .is_some_and(|types| types.contains(&"null".into()));
            if !nullable {
                found.push(format!("{place} may not be null"));
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
