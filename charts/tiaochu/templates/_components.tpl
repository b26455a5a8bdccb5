{{- /* The facts of each component (files/components.yaml). */ -}}
{{- define "tiaochu.facts" -}}
{{- .Files.Get "files/components.yaml" -}}
{{- end -}}

{{- /*
The values of one component: what stands at the top, and over it what stands under components.<name>. Texts have {service} replaced.
Takes (dict root component); answers JSON with database, nats, storage, keys, logSigning, tls, env.
*/ -}}
{{- define "tiaochu.component" -}}
{{- $root := .root -}}
{{- $own := index $root.Values.components .component | default dict -}}
{{- $all := dict "env" (index $own "env" | default dict) -}}
{{- range $part := list "database" "nats" "storage" "keys" "logSigning" "tls" -}}
{{- $given := deepCopy (index $root.Values $part) -}}
{{- if $root.Values.evaluation.enabled -}}
{{- $given = mergeOverwrite $given (index (include "tiaochu.evaluation" $root | fromJson) $part | default dict) -}}
{{- end -}}
{{- $_ := set $all $part (mergeOverwrite $given (deepCopy (index $own $part | default dict))) -}}
{{- end -}}
{{- $all | toJson | replace "{service}" .component -}}
{{- end -}}

{{- /* Every component in every role, in a fixed order: JSON {"items": [{component, role, spec}]}. */ -}}
{{- define "tiaochu.workloads" -}}
{{- $root := . -}}
{{- $items := list -}}
{{- range $component := keys (include "tiaochu.facts" . | fromYaml) | sortAlpha -}}
{{- $own := index $root.Values.components $component | default dict -}}
{{- range $role := list "serve" "work" -}}
{{- $spec := mergeOverwrite (deepCopy (index $root.Values.defaults $role)) (deepCopy (index $own $role | default dict)) -}}
{{- $items = append $items (dict "component" $component "role" $role "spec" $spec) -}}
{{- end -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /* Pods of a workload at the least. */ -}}
{{- define "tiaochu.atLeast" -}}
{{- if .autoscaling.enabled }}{{ .autoscaling.minReplicas }}{{ else }}{{ .replicas }}{{ end -}}
{{- end -}}

{{- /* Where the issuer of tokens is. */ -}}
{{- define "tiaochu.oidc" -}}
{{- if .Values.evaluation.enabled -}}
{{- $url := printf "http://%s-issuer:8080" (include "tiaochu.name" .) -}}
{{- dict "issuer" (.Values.oidc.issuer | default $url) "jwksUrl" (.Values.oidc.jwksUrl | default (printf "%s/jwks.json" $url)) "audience" .Values.oidc.audience | toJson -}}
{{- else -}}
{{- .Values.oidc | toJson -}}
{{- end -}}
{{- end -}}

{{- /* What evaluation.enabled stands for: the same parts as the values, filled. */ -}}
{{- define "tiaochu.evaluation" -}}
{{- $name := include "tiaochu.name" . -}}
{{- $secret := dict "existingSecret" (printf "%s-evaluation-{service}" $name) -}}
{{- $host := printf "%s-postgresql:5432" $name -}}
{{- dict
  "database" (dict "url" (printf "postgresql://{service}@%s/{service}" $host) "ownerUrl" (printf "postgresql://{service}_owner@%s/{service}" $host) "existingSecret" $secret.existingSecret)
  "nats" (dict "url" (printf "nats://%s-nats:4222" $name) "user" "{service}" "existingSecret" $secret.existingSecret "passwordKey" "nats-password")
  "storage" (dict "url" "file:///var/lib/tiaochu/files" "existingSecret" "")
  "keys" (dict "existingSecret" (printf "%s-evaluation-{service}-keys" $name))
  "logSigning" $secret
  "tls" (dict "existingSecret" (printf "%s-evaluation-{service}-tls" $name))
  | toJson -}}
{{- end -}}
