{{/* What things are called, and the labels they carry. */}}

{{- define "slotwright.name" -}}
{{- $name := ternary .Release.Name (printf "%s-slotwright" .Release.Name) (contains "slotwright" .Release.Name) -}}
{{- default $name .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- end -}}

{{- define "slotwright.image" -}}
{{- $tag := printf ":%s" (default .Chart.AppVersion .Values.image.tag) -}}
{{- .Values.image.repository -}}{{- ternary (printf "@%s" .Values.image.digest) $tag (ne .Values.image.digest "") -}}
{{- end -}}

{{- define "slotwright.serviceAccount" -}}
{{- default (ternary (include "slotwright.name" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* What chooses the pods of a component; never changes, for a Deployment's selector cannot. Takes (root, component). */}}
{{- define "slotwright.selector" -}}
app.kubernetes.io/name: slotwright
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* All labels. Takes (root, component); the component may be empty. */}}
{{- define "slotwright.labels" -}}
{{ include "slotwright.selector" . }}
app.kubernetes.io/part-of: slotwright
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "slotwright-%s" (index . 0).Chart.Version | replace "+" "_" }}
{{- end -}}
