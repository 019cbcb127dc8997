//! The fields of a JSON object, so that an error can name the one at fault, also if its name is repeated.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use thiserror::Error;

/// The fields of a JSON object in their order, also those whose name is repeated.
#[derive(Debug)]
pub struct JsonFields<V>(Vec<(String, V)>);

#[derive(Debug, Error)]
#[error("is given twice")]
pub struct RepeatedField;

impl<V> JsonFields<V> {
    /// Takes a field out.
    pub fn take(&mut self, name: &str) -> Result<Option<V>, RepeatedField> {
        let mut values = self.0.extract_if(.., |(it, _)| it == name);
        let value = values.next().map(|(_, value)| value);
        match values.next() {
            None => Ok(value),
            Some(_) => Err(RepeatedField),
        }
    }

    /// The name of a field that was not taken.
    pub fn first_name(&self) -> Option<&str> {
        self.0.first().map(|(name, _)| &**name)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for JsonFields<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for ObjectVisitor<V> {
            type Value = JsonFields<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonFields<V>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(JsonFields(fields))
            }
        }
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}
