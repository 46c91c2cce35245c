//! The list of behaviours, in one place, and the macro that makes tests of it.

/// Hands the list of behaviours to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __each_behaviour {
    ([$($then:tt)+] [$($args:tt)*]) => {
        $($then)+! {
            [$($args)*]
            opening {
                a_connection_becomes_a_spark
                the_open_hook_can_welcome
                messages_wait_for_the_connection_hook
                an_ended_opening_still_says_what_was_said
            }
            messages {
                order_is_kept_in
                order_is_kept_out
                order_is_kept_both_ways_at_once
                any_thread_can_send
                raw_text_is_untouched
                raw_binary_is_untouched
                line_separators_are_escaped
                large_messages_arrive_whole
                a_message_of_the_longest_length_passes
                a_longer_message_ends_its_sender_only
                an_undecodable_message_is_dropped
                unknown_control_messages_are_data
                a_broken_message_is_never_delivered
                garbage_ends_its_sender_only
            }
            texts {
                values_hold_every_text
                texts_that_wait_together_stay_apart
                raw_texts_arrive_or_are_left_out
            }
            codecs {
                json
                message_pack
                a_codec_of_ones_own
            }
            transforms {
                incoming_messages_are_rewritten
                incoming_messages_are_swallowed
                slow_incoming_transforms_keep_the_order
                outgoing_messages_are_rewritten
                outgoing_messages_are_swallowed
                slow_outgoing_transforms_keep_the_order
                any_thread_can_send_through_them
                control_messages_do_not_pass_through
            }
            pressure {
                a_slow_peer_is_closed_and_delays_nobody
                volatile_messages_are_dropped
                the_inbox_is_bounded
            }
            budget {
                the_largest_is_ended_first
                what_waits_for_many_counts_once
                a_message_over_the_budget_ends_its_sender
                half_a_message_is_not_kept
                newcomers_are_refused_without_memory
            }
            closing {
                an_end_tells_the_client_to_stay_away
                an_end_with_reconnect_says_nothing
                what_was_sent_before_the_end_arrives
                nothing_is_sent_after_the_end
                a_goodbye_is_reported
                a_vanished_client_is_reported
                each_way_of_ending_is_reported_once
                a_kept_spark_does_not_keep_the_connection
                an_abort_after_the_end_changes_nothing
            }
            heartbeat {
                silence_ends_the_spark
                a_half_open_connection_is_cut
                pongs_keep_alive
                any_message_keeps_alive
                the_engines_own_pongs_keep_alive
                a_legacy_client_is_answered_and_not_pinged
            }
            identity {
                ids_are_unguessable
                a_client_can_ask_for_its_id
                ids_can_be_of_ones_own_making
                a_repeated_id_is_not_given_twice
                a_repeated_id_is_not_given_twice_at_once
                sparks_are_found_by_id
                all_sparks_can_be_written_to
            }
            request {
                the_query_is_kept
                the_headers_are_kept
                cookies_are_read
                the_remote_address_is_the_peers
                only_trusted_proxies_are_believed
            }
            access {
                the_authorizer_sees_the_request
                an_identity_is_attached
                a_refusal_is_told
                a_refusal_is_401_by_default
                without_an_origin_anyone_may_come
                pages_of_the_same_host_may_come
                pages_of_the_list_may_come
                pages_of_any_origin_may_come
                pages_that_send_no_origin_are_found_out
                the_scheme_of_a_page_counts_where_it_is_known
                only_listed_hosts_are_served
            }
            limits {
                connections_are_limited
                connections_of_an_address_are_limited
                clients_behind_a_proxy_are_told_apart
                an_opening_counts_once
                handshakes_are_limited
                handshakes_of_an_address_are_limited
                new_connections_are_limited
                new_connections_of_an_address_are_limited
                a_hanging_authorizer_is_timed_out
                a_client_that_left_gives_its_place_free
            }
            rate {
                messages_over_the_rate_are_refused
                a_client_has_one_rate_over_all_its_connections
                who_goes_on_is_ended
                control_messages_count
                without_a_rate_nothing_is_refused
            }
            paths {
                the_pathname_is_matched_by_segment
                the_pathname_can_be_chosen
                the_engine_answers_at_its_own_path
                the_spec_tells_what_clients_need
            }
            faults {
                a_panic_ends_its_spark_only
                a_panic_in_a_future_ends_its_spark_only
                a_panic_at_the_opening_ends_its_spark_only
                a_panic_in_an_incoming_transform_ends_its_spark_only
                a_panic_in_an_outgoing_transform_ends_its_spark_only
                a_panic_in_an_outgoing_future_ends_its_spark_only
            }
            shutdown {
                clients_are_told_to_stay_away
                clients_are_asked_to_come_again
                newcomers_are_refused
                the_deadline_is_kept_by_force
            }
        }
    };
}

/// Makes a test of each behaviour, for one harness.
///
/// Call it once per module; the argument is an expression that makes the
/// [`Harness`](crate::Harness).
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
