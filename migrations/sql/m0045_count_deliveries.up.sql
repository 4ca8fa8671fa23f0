-- Pending deliveries in the order in which they are due, whoever's they are.
CREATE INDEX webhook_deliveries_pending ON webhook_deliveries (next_attempt_at, webhook_id) WHERE status = 'pending';
