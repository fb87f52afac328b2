//! The library against a server that does exactly what a test tells it: orders and losses that a real server shows
//! only by chance.

/// Plays tests that take a [`lowerdeck_client::Road`] on each of the two.
macro_rules! on_both_roads {
    ($($test:ident,)+) => {
        mod unary {
            $(#[tokio::test]
            async fn $test() {
                super::$test(lowerdeck_client::Road::Unary).await;
            })+
        }

        mod queue_pair {
            $(#[tokio::test]
            async fn $test() {
                super::$test(lowerdeck_client::Road::QueuePair).await;
            })+
        }
    };
}

mod batches;
mod endings;
mod fake;
mod handles;
mod resuming;
mod sends;
mod streams;
