{{- /* Name of the release's objects; an object of a service is <this>-<component>[-<role>]. */ -}}
{{- define "tiaochu.name" -}}
{{- if contains "tiaochu" .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-tiaochu" .Release.Name }}{{ end -}}
{{- end -}}

{{- /* What selects the pods of a component in a role: never a version, since a selector cannot change. Takes (dict root component role). */ -}}
{{- define "tiaochu.selector" -}}
app.kubernetes.io/name: tiaochu
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- with .role }}
tiaochu/role: {{ . }}
{{- end }}
{{- end -}}

{{- define "tiaochu.labels" -}}
{{ include "tiaochu.selector" . }}
app.kubernetes.io/part-of: tiaochu
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- /* Takes (dict root image). */ -}}
{{- define "tiaochu.image" -}}
{{- $values := .root.Values.image -}}
{{- $name := ternary (printf "%s/%s" $values.registry .image) .image (ne $values.registry "") -}}
{{- $digest := index $values.digests .image | default "" -}}
{{- if $digest }}{{ printf "%s@%s" $name $digest }}{{ else }}{{ printf "%s:%s" $name ($values.tag | default .root.Chart.AppVersion) }}{{ end -}}
{{- end -}}

{{- define "tiaochu.pull" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* What every pod is: nobody, without a token, on a root that cannot be written. */ -}}
{{- define "tiaochu.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "tiaochu.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}
