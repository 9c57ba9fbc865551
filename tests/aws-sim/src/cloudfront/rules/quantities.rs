//! Every `Quantity` equals the number of its `Items`. Source: service model, `InconsistentQuantities`.

use crate::cloudfront::errors::refuse;
use crate::error::Answer;
use crate::xml::Element;

pub(super) fn check(element: &Element) -> Answer<()> {
    if let Some(quantity) = element.number("Quantity") {
        let items = element.child("Items").map_or(0, |items| items.children.len());
        if usize::try_from(quantity) != Ok(items) {
            let message = format!(
                "The value of Quantity and the size of Items don't match. ({}: Quantity {quantity}, Items {items})",
                element.name
            );
            return Err(refuse("InconsistentQuantities", message));
        }
    }
    element.children.iter().try_for_each(check)
}
