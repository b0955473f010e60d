//! What of a result is wanted, in JMESPath.

use super::fault::Fault;
use jmespath::ast::Ast;
use jmespath::{Expression, Variable};
use serde_json::{Map, Value};

/// A question in JMESPath.
#[derive(Debug)]
pub(super) struct Query {
    expression: Expression<'static>,
    /// The names of the object that it builds, as they were written: the library sorts them.
    written: Vec<String>,
}

impl Query {
    /// Reads it.
    ///
    /// # Errors
    /// Says where it cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let fault = |error| Fault::usage(format!("--query {text:?} is no JMESPath: {error}"));
        let expression = jmespath::compile(text).map_err(fault)?;
        let written = names(expression.as_ast());
        Ok(Self { expression, written })
    }

    /// What it finds in a document, as JSON.
    ///
    /// # Errors
    /// Where it does not fit the document.
    pub(super) fn of(&self, json: &str) -> Result<String, Fault> {
        let fault = |error: &dyn std::fmt::Display| Fault::usage(format!("--query: {error}"));
        let document = Variable::from_json(json).map_err(|error| fault(&error))?;
        let found = self.expression.search(document).map_err(|error| fault(&error))?;
        let found = serde_json::to_value(&*found).map_err(|error| fault(&error))?;
        Ok(self.ordered(&found))
    }

    fn ordered(&self, value: &Value) -> String {
        match value {
            Value::Array(values) => {
                let values: Vec<String> = values.iter().map(|value| self.ordered(value)).collect();
                format!("[{}]", values.join(","))
            }
            Value::Object(members) if self.is_built(members) => {
                let member = |name: &String| format!("{}:{}", Value::from(name.as_str()), members[name]);
                format!("{{{}}}", self.written.iter().map(member).collect::<Vec<_>>().join(","))
            }
            value => value.to_string(),
        }
    }

    fn is_built(&self, members: &Map<String, Value>) -> bool {
        members.len() == self.written.len() && self.written.iter().all(|name| members.contains_key(name))
    }
}

/// The names of the object that an expression ends with.
fn names(ast: &Ast) -> Vec<String> {
    match ast {
        Ast::MultiHash { elements, .. } => elements.iter().map(|pair| pair.key.clone()).collect(),
        Ast::Projection { rhs, .. } | Ast::Subexpr { rhs, .. } => names(rhs),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::Query;

    fn asked(query: &str, json: &str) -> String {
        Query::parse(query).unwrap().of(json).unwrap()
    }

    #[test]
    fn what_is_asked_for_comes_in_the_order_it_was_asked_for() {
        let json = r#"{"steps":[{"id":"b","status":"x","n":1},{"id":"a","status":"y","n":2}]}"#;
        assert_eq!(
            asked("steps[].{status: status, id: id}", json),
            r#"[{"status":"x","id":"b"},{"status":"y","id":"a"}]"#
        );
        assert_eq!(asked("steps[?n>`1`].id | [0]", json), r#""a""#);
        assert_eq!(asked("{z: steps[0].n, a: `1`}", json), r#"{"z":1,"a":1}"#);
        assert_eq!(asked("none", json), "null");
    }

    #[test]
    fn what_is_no_jmespath_says_where() {
        assert!(Query::parse("steps[").unwrap_err().to_string().contains("steps["));
    }
}
