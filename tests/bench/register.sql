-- The rows of one registration, as the executor writes them, for pgbench. `{case}` is a registered case whose rows are written again; who wrote is `bench`.
BEGIN;
SELECT set_config('tiaochu.districts', '*', true), set_config('idle_in_transaction_session_timeout', '30s', true);
SELECT request_hash, response FROM request_keys WHERE caller = 'bench' AND method = 'RegisterCase' AND key = '{case}';
INSERT INTO cases (id, district, status, version, organ_path, organ_id, case_number, received_at, region_code, channel, category, difficulty, risk,
    amount_fen, own_stage, receipt_index, master_case_id, doc)
  SELECT gen_random_uuid(), district, status, version, organ_path, organ_id, 'bench-' || gen_random_uuid(), received_at, region_code, channel, category,
    difficulty, risk, amount_fen, own_stage, gen_random_uuid()::text, '', doc FROM cases WHERE id = '{case}';
INSERT INTO case_texts
  SELECT gen_random_uuid(), kind, ref, district, body, written_at, 'bench' FROM case_texts WHERE case_id = '{case}';
INSERT INTO staff_acts
  SELECT gen_random_uuid(), gen_random_uuid(), district, action, party_id, identity_check, 'bench', acted_at FROM staff_acts WHERE case_id = '{case}';
INSERT INTO case_access
  SELECT gen_random_uuid()::text, kind, value, source, 'bench' FROM case_access WHERE subject = '{case}' AND source = 'first';
INSERT INTO journal (event_id, aggregate_id, version, type, district, subject, occurred_at, recorded_at, headers, payload, position)
  SELECT gen_random_uuid(), gen_random_uuid(), version, type, 'bench', '', occurred_at, recorded_at, headers, payload, 1 FROM journal
  WHERE subject = '{case}' ORDER BY seq LIMIT 1;
INSERT INTO request_keys VALUES ('bench', 'RegisterCase', gen_random_uuid()::text, '\x00', '\x00', now());
COMMIT;
