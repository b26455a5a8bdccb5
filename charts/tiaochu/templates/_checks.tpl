{{- /* What no schema can say: a wrong value fails the render with a sentence that names the key. */ -}}
{{- define "tiaochu.check" -}}
{{- $values := .Values -}}
{{- range $old, $new := .Files.Get "files/renamed.yaml" | fromYaml -}}
{{- if hasKey $values $old }}{{ fail (printf "%s is not a key of this chart: set %s" $old $new) }}{{ end -}}
{{- end -}}
{{- if gt (len (include "tiaochu.name" .)) 26 }}{{ fail "the release's name is too long: with \"-tiaochu\" at most 26 characters, since the names of Jobs end with component, step, revision and image" }}{{ end -}}
{{- $oidc := include "tiaochu.oidc" . | fromJson -}}
{{- if not (and $oidc.issuer $oidc.jwksUrl) }}{{ fail "oidc.issuer and oidc.jwksUrl are needed: nobody can be told apart without an issuer" }}{{ end -}}
{{- if and $values.tls.certManager.enabled (not $values.tls.certManager.issuer.name) }}{{ fail "tls.certManager.issuer.name is needed when tls.certManager.enabled is set" }}{{ end -}}
{{- if and $values.ingress.enabled (not (and $values.ingress.host $values.ingress.tlsSecret)) }}{{ fail "ingress.host and ingress.tlsSecret are needed when ingress.enabled is set: agencies are reached over TLS only" }}{{ end -}}
{{- range $component, $facts := include "tiaochu.facts" . | fromYaml -}}
{{- $own := include "tiaochu.component" (dict "root" $ "component" $component) | fromJson -}}
{{- range $key := list "url" "ownerUrl" -}}
{{- $url := index $own.database $key -}}
{{- if not (hasPrefix "postgresql://" $url) }}{{ fail (printf "database.%s must be a postgresql:// address (%s)" $key $component) }}{{ end -}}
{{- if regexMatch "^postgresql://[^/@]*:[^/@]*@" $url }}{{ fail (printf "database.%s holds a password: put it into the Secret database.existingSecret (%s)" $key $component) }}{{ end -}}
{{- end -}}
{{- if not (regexMatch "^(nats|tls)://" $own.nats.url) }}{{ fail (printf "nats.url must be a nats:// or tls:// address (%s)" $component) }}{{ end -}}
{{- if regexMatch "://[^,]*@" $own.nats.url }}{{ fail (printf "nats.url holds a password: put it into the Secret nats.existingSecret (%s)" $component) }}{{ end -}}
{{- if and $facts.storage (not (regexMatch (ternary "^(s3|file)://" "^s3://" $values.evaluation.enabled) $own.storage.url)) }}{{ fail (printf "storage.url must be an s3:// address (%s)" $component) }}{{ end -}}
{{- end -}}
{{- range (include "tiaochu.workloads" . | fromJson).items -}}
{{- if and .spec.autoscaling.enabled (gt (int .spec.autoscaling.minReplicas) (int .spec.autoscaling.maxReplicas)) }}{{ fail (printf "autoscaling.minReplicas is more than maxReplicas (%s, %s)" .component .role) }}{{ end -}}
{{- end -}}
{{- end -}}
