//! The list of behaviours, and the macro that defines a test for each.

/// Passes the list of behaviours to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_behaviour {
    ([$($then:tt)+] [$($args:tt)*]) => {
        $($then)+! {
            [$($args)*]
            opening {
                a_connection_becomes_a_spark
                the_open_hook_sends_first
                messages_wait_for_the_connection_hook
                messages_sent_before_an_early_end_arrive
            }
            messages {
                incoming_order_is_kept
                outgoing_order_is_kept
                order_is_kept_in_both_directions
                any_thread_can_send
                raw_text_is_untouched
                raw_binary_is_untouched
                line_separators_are_escaped
                large_messages_arrive_intact
                a_message_of_the_maximum_length_passes
                an_oversized_message_closes_its_sender_only
                an_undecodable_message_is_dropped
                unknown_control_messages_are_data
                a_partial_message_is_never_delivered
                garbage_closes_its_sender_only
            }
            texts {
                every_text_survives_in_values
                queued_texts_stay_separate
                raw_texts_arrive_or_are_dropped
            }
            codecs {
                json
                message_pack
                a_custom_codec
            }
            transforms {
                incoming_messages_are_rewritten
                incoming_messages_can_be_dropped
                slow_incoming_transforms_keep_the_order
                outgoing_messages_are_rewritten
                outgoing_messages_can_be_dropped
                slow_outgoing_transforms_keep_the_order
                any_thread_can_send_through_transforms
                control_messages_bypass_transforms
            }
            pressure {
                a_slow_peer_is_closed_and_delays_nobody
                volatile_messages_are_dropped
                the_inbox_is_bounded
            }
            budget {
                the_largest_consumer_is_closed_first
                a_shared_frame_counts_once
                a_message_over_the_budget_closes_its_sender
                a_partial_message_times_out
                new_connections_are_refused_over_the_budget
            }
            closing {
                an_end_sends_the_close_message
                an_end_with_reconnect_sends_no_close_message
                messages_sent_before_the_end_arrive
                nothing_is_sent_after_the_end
                a_clients_close_is_reported
                a_lost_connection_is_reported
                every_close_reason_is_reported_once
                a_spark_handle_does_not_keep_the_connection
                an_abort_after_the_end_changes_nothing
            }
            heartbeat {
                a_silent_client_is_closed
                a_half_open_connection_is_cut
                pongs_keep_alive
                any_message_keeps_alive
                the_engines_own_pongs_keep_alive
                a_legacy_client_is_answered_and_not_pinged
            }
            identity {
                ids_are_unguessable
                a_client_can_ask_for_its_id
                ids_can_come_from_a_custom_generator
                a_repeated_id_is_replaced
                a_repeated_id_is_replaced_under_concurrency
                sparks_are_found_by_id
                all_sparks_can_be_written_to
            }
            request {
                the_query_is_kept
                the_headers_are_kept
                cookies_are_read
                the_remote_address_is_the_peers
                only_trusted_proxies_set_the_address
            }
            access {
                the_authorizer_sees_the_request
                an_identity_is_attached
                a_refusal_reaches_the_client
                a_refusal_is_401_by_default
                requests_without_an_origin_are_accepted
                same_host_origins_are_accepted
                listed_origins_are_accepted
                every_origin_is_accepted_under_any
                a_missing_origin_is_inferred
                the_scheme_of_an_origin_counts_where_known
                only_listed_hosts_are_served
            }
            limits {
                connections_are_limited
                connections_of_an_address_are_limited
                clients_behind_a_proxy_are_counted_separately
                an_opening_counts_once
                handshakes_are_limited
                handshakes_of_an_address_are_limited
                new_connections_are_limited
                new_connections_of_an_address_are_limited
                a_hanging_authorizer_is_timed_out
                an_abandoned_handshake_frees_its_slot
            }
            rate {
                messages_over_the_rate_are_refused
                a_client_shares_one_rate_across_connections
                a_client_that_stays_over_the_rate_is_closed
                control_messages_count
                without_a_rate_nothing_is_refused
            }
            paths {
                the_pathname_is_matched_by_segment
                the_pathname_can_be_chosen
                the_engine_answers_at_its_own_path
                the_spec_describes_the_server
            }
            faults {
                a_panic_closes_its_spark_only
                a_panic_in_a_future_closes_its_spark_only
                a_panic_in_the_connection_hook_closes_its_spark_only
                a_panic_in_an_incoming_transform_closes_its_spark_only
                a_panic_in_an_outgoing_transform_closes_its_spark_only
                a_panic_in_an_outgoing_future_closes_its_spark_only
            }
            shutdown {
                clients_are_told_not_to_reconnect
                clients_are_asked_to_reconnect
                new_connections_are_refused
                connections_are_aborted_at_the_deadline
            }
        }
    };
}

/// Defines a test for each behaviour, for one harness.
///
/// Call it once per module. The argument is an expression that evaluates to a
/// [`Harness`](crate::Harness); each test evaluates it anew.
#[macro_export]
macro_rules! suite {
    ($harness:expr $(,)?) => {
        fn __harness() -> ::std::sync::Arc<dyn $crate::Harness> {
            ::std::sync::Arc::new($harness)
        }
        $crate::__each_behaviour!([$crate::__tests] []);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ([] $($subject:ident { $($name:ident)+ })+) => {$(
        mod $subject {$(
            #[test]
            fn $name() {
                $crate::check(
                    super::__harness(),
                    concat!(stringify!($subject), "::", stringify!($name)),
                );
            }
        )+}
    )+};
}
