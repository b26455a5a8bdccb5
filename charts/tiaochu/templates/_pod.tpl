{{- /* Environment of a service. Takes (dict root component role own): own is "tiaochu.component". Secrets are files. */ -}}
{{- define "tiaochu.env" -}}
{{- $values := .root.Values -}}
{{- $name := include "tiaochu.name" .root -}}
{{- $oidc := include "tiaochu.oidc" .root | fromJson -}}
{{- $peers := dict -}}
{{- range $peer := keys (include "tiaochu.facts" .root | fromYaml) -}}
{{- if ne $peer $.component }}{{ $_ := set $peers $peer (printf "dns:///%s-%s:50051" $name $peer) }}{{ end -}}
{{- end -}}
{{- $env := dict
  "TIAOCHU_ENVIRONMENT" "production"
  "TIAOCHU_DATABASE_URL" .own.database.url
  "TIAOCHU_DATABASE_PASSWORD_FILE" "/etc/tiaochu/database/password"
  "TIAOCHU_DATABASE_POOL" (toString .own.database.pool)
  "TIAOCHU_DATABASE_PREPARE" (ternary "false" "true" .own.database.pooler)
  "TIAOCHU_NATS_URL" .own.nats.url
  "TIAOCHU_NATS_USER" .own.nats.user
  "TIAOCHU_NATS_PASSWORD_FILE" "/etc/tiaochu/nats/password"
  "TIAOCHU_GRPC_LISTEN" "0.0.0.0:50051"
  "TIAOCHU_HTTP_LISTEN" "0.0.0.0:8080"
  "TIAOCHU_OPS_LISTEN" "0.0.0.0:9090"
  "TIAOCHU_CONNECTION_AGE_SECONDS" (toString (int $values.grpc.maxConnectionAge))
  "TIAOCHU_PEERS" (toJson $peers)
  "TIAOCHU_TLS_CERT_FILE" "/etc/tiaochu/tls/tls.crt"
  "TIAOCHU_TLS_KEY_FILE" "/etc/tiaochu/tls/tls.key"
  "TIAOCHU_TLS_CA_FILE" "/etc/tiaochu/tls/ca.crt"
  "TIAOCHU_OIDC_ISSUER" $oidc.issuer
  "TIAOCHU_OIDC_JWKS_URL" $oidc.jwksUrl
  "TIAOCHU_OIDC_AUDIENCE" $oidc.audience
  "TIAOCHU_KEYS_DIR" "/etc/tiaochu/keys"
  "TIAOCHU_LOG_SIGNING_KEY_FILE" "/etc/tiaochu/log-signing/key.pem"
  "TIAOCHU_LATE_ENTRY_DAYS" (toString (int $values.cell.lateEntryDays))
  "TIAOCHU_ADMISSION_SLOTS" (toString (int $values.cell.admission.slots))
  "TIAOCHU_ADMISSION_QUEUE" (toString (int $values.cell.admission.queue))
  "TIAOCHU_ADMISSION_WEIGHTS" (toJson $values.cell.admission.weights)
-}}
{{- if $values.cell.firstAdmin }}{{ $_ := set $env "TIAOCHU_FIRST_ADMIN" $values.cell.firstAdmin }}{{ end -}}
{{- if $values.telemetry.otlpEndpoint }}{{ $_ := set $env "TIAOCHU_OTLP_ENDPOINT" $values.telemetry.otlpEndpoint }}{{ end -}}
{{- if .facts.storage -}}
{{- $_ := set $env "TIAOCHU_BLOB_URL" .own.storage.url -}}
{{- if .own.storage.existingSecret }}{{ $_ := set $env "TIAOCHU_BLOB_CREDENTIALS_DIR" "/etc/tiaochu/storage" }}{{ end -}}
{{- if hasPrefix "s3://" .own.storage.url -}}
{{- $_ := set $env "AWS_REGION" .own.storage.region -}}
{{- with .own.storage.endpoint }}{{ $_ := set $env "AWS_ENDPOINT_URL" . }}{{ end -}}
{{- if hasPrefix "http://" .own.storage.endpoint }}{{ $_ := set $env "AWS_ALLOW_HTTP" "true" }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $values.trust.existingSecret -}}
{{- $_ := mergeOverwrite $env (dict "SSL_CERT_FILE" "/etc/tiaochu/trust/ca.crt" "PGSSLROOTCERT" "/etc/tiaochu/trust/ca.crt" "TIAOCHU_NATS_CA_FILE" "/etc/tiaochu/trust/ca.crt" "OTEL_EXPORTER_OTLP_CERTIFICATE" "/etc/tiaochu/trust/ca.crt") -}}
{{- end -}}
{{- $_ := mergeOverwrite $env .own.env -}}
{{- include "tiaochu.envList" $env -}}
{{- end -}}

{{- define "tiaochu.envList" -}}
{{- range $key := keys . | sortAlpha }}
- {name: {{ $key }}, value: {{ index $ $key | toString | quote }}}
{{- end }}
{{- end -}}

{{- /* Secrets as files, each where "tiaochu.env" says: what is mounted whole or by subPath-free items is renewed when the Secret changes. */ -}}
{{- define "tiaochu.volumes" -}}
- name: database
  secret: {secretName: {{ .own.database.existingSecret }}, items: [{key: {{ .own.database.passwordKey }}, path: password}]}
- name: nats
  secret: {secretName: {{ .own.nats.existingSecret }}, items: [{key: {{ .own.nats.passwordKey }}, path: password}]}
- name: tls
  secret: {secretName: {{ .own.tls.existingSecret }}}
- name: keys
  secret: {secretName: {{ .own.keys.existingSecret }}}
- name: log-signing
  secret: {secretName: {{ .own.logSigning.existingSecret }}, items: [{key: {{ .own.logSigning.key }}, path: key.pem}]}
{{- if and .facts.storage .own.storage.existingSecret }}
- name: storage
  secret: {secretName: {{ .own.storage.existingSecret }}}
{{- end }}
{{- include "tiaochu.trustVolume" .root }}
- name: tmp
  emptyDir: {}
{{- end -}}

{{- define "tiaochu.trustVolume" -}}
{{- if .Values.trust.existingSecret }}
- name: trust
  secret: {secretName: {{ .Values.trust.existingSecret }}, items: [{key: {{ .Values.trust.key }}, path: ca.crt}]}
{{- end }}
{{- end -}}

{{- define "tiaochu.mounts" -}}
{{- $folders := list "database" "nats" "tls" "keys" "log-signing" -}}
{{- if and .facts.storage .own.storage.existingSecret }}{{ $folders = append $folders "storage" }}{{ end -}}
{{- if .root.Values.trust.existingSecret }}{{ $folders = append $folders "trust" }}{{ end -}}
{{- range $folders }}
- {name: {{ . }}, mountPath: /etc/tiaochu/{{ . }}, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- end -}}
