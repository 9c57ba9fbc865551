//! Floor and product in turns, so that what drifts meanwhile drifts for both.

/// Measures each of them once in every round; each second round the product goes first.
///
/// # Errors
/// Theirs.
pub(crate) async fn in_turns<T>(
    rounds: usize,
    mut floor: impl AsyncFnMut(usize) -> anyhow::Result<T>,
    mut product: impl AsyncFnMut(usize) -> anyhow::Result<T>,
) -> anyhow::Result<(Vec<T>, Vec<T>)> {
    let (mut floors, mut products) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            floors.push(floor(round).await?);
            products.push(product(round).await?);
        } else {
            products.push(product(round).await?);
            floors.push(floor(round).await?);
        }
    }
    Ok((floors, products))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn each_goes_first_in_turns() {
        let order = RefCell::new(String::new());
        let (floors, products) = in_turns(
            3,
            async |round| {
                order.borrow_mut().push('f');
                Ok(round)
            },
            async |round| {
                order.borrow_mut().push('p');
                Ok(round + 10)
            },
        )
        .await
        .unwrap();
        assert_eq!(order.into_inner(), "fppffp");
        assert_eq!((floors, products), (vec![0, 1, 2], vec![10, 11, 12]));
    }
}
