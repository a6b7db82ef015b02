-- Accounts' reasons carry details: code → details, where there was a list of codes
-- depends: 20261123_01_event-log

-- migrate: apply

-- A state that is not written again until then differs from its fold in this file's spelling only.
UPDATE accounts
SET state = jsonb_set(
    state::jsonb,
    '{reasons}',
    (
        SELECT coalesce(jsonb_object_agg(code, '[]'::jsonb), '{}'::jsonb)
        FROM jsonb_array_elements_text(state::jsonb -> 'reasons') AS code
    )
)::json
WHERE json_typeof(state -> 'reasons') = 'array';

-- migrate: rollback

UPDATE accounts
SET state = jsonb_set(
    state::jsonb,
    '{reasons}',
    (
        SELECT coalesce(jsonb_agg(code), '[]'::jsonb)
        FROM jsonb_object_keys(state::jsonb -> 'reasons') AS code
    )
)::json
WHERE json_typeof(state -> 'reasons') = 'object';
