//! What the layers of a declared stack are: each driver's own declaration, with its options and their defaults.

use std::sync::Arc;

use lowerdeck_drivers::definition::{LayerDefinition, StackDefinition};
use lowerdeck_drivers::registry;

use super::error::HostError;
use super::record::LayerRecord;

/// The layers of `definition`, top first, as their drivers declare them.
///
/// # Errors
/// [`HostError::ExpressionInvalid`] if a driver cannot be made.
pub fn records(definition: &StackDefinition) -> Result<Arc<[LayerRecord]>, HostError> {
    let built = definition.build(0).map_err(|error| HostError::ExpressionInvalid(error.to_string()))?;
    let records = built.iter().zip(&definition.layers).map(|(driver, layer)| LayerRecord {
        driver: driver.name().to_owned(),
        config: driver.configure(),
        options: options(layer),
        controllable: registry::driver(&layer.driver).is_ok_and(|kind| kind.controllable),
    });
    Ok(records.collect())
}

/// Every option of the layer's driver with the value in force, in the driver's order.
fn options(layer: &LayerDefinition) -> Vec<(String, String)> {
    let Ok(kind) = registry::driver(&layer.driver) else { return Vec::new() };
    let in_force = kind.options.iter().filter_map(|option| {
        let written = layer.options.iter().find(|written| written.key == option.key);
        let value = written.map(|written| written.value.to_string()).or(option.default.map(str::to_owned))?;
        Some((option.key.to_owned(), value))
    });
    in_force.collect()
}

/// Every driver there is, with what it is in one line.
pub fn driver_summaries() -> impl Iterator<Item = (&'static str, &'static str)> {
    registry::drivers().iter().map(|kind| (kind.name, kind.summary))
}
