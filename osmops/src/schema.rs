//! JSON schemas of what is printed for machines, where a type is written otherwise than it is held.

/// A type that is written as text.
macro_rules! written_as_text {
    ($type:ty, $name:literal, $description:literal) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "description": $description })
            }
        }
    };
}

pub(crate) use written_as_text;
