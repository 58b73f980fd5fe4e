{{/* What every pod of ours has in common. */}}

{{/* A pod's labels and annotations. Takes (root, component) and, for annotations of its own, a mapping. */}}
{{- define "slotwright.podMetadata" -}}
labels:
  {{- include "slotwright.labels" . | nindent 2 }}
  {{- range $label, $_ := (index . 0).Values.podLabels }}
  {{- if or (hasPrefix "app.kubernetes.io/" $label) (hasPrefix "helm.sh/" $label) }}
  {{- fail (printf "podLabels: %s is a label that the chart sets itself" $label) }}
  {{- end }}
  {{- end }}
  {{- with (index . 0).Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (last . | kindIs "map" | ternary (last .) (dict)) (index . 0).Values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Its spec but for the containers. Takes (root, service account). */}}
{{- define "slotwright.pod" -}}
{{- $root := index . 0 -}}
serviceAccountName: {{ index . 1 }}
# Nothing of ours speaks to Kubernetes.
automountServiceAccountToken: false
# Kubernetes would add <SERVICE>_PORT=tcp://… for each Service of the namespace, and PORT is a setting of ours.
enableServiceLinks: false
securityContext:
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Volumes of the operator's, such as a Secret with a CA. */}}
{{- define "slotwright.extraVolumes" -}}
{{- range .Values.extraVolumes }}
{{- if eq .name "rules" }}
{{- fail "extraVolumes: rules is a volume that the chart makes itself" }}
{{- end }}
{{- end }}
{{- with .Values.extraVolumes }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{- define "slotwright.extraVolumeMounts" -}}
{{- with .Values.extraVolumeMounts }}
{{- toYaml . }}
{{- end }}
{{- end -}}

{{/* Even over hosts and zones, for what has replicas. Takes (root, component). */}}
{{- define "slotwright.spread" -}}
{{- with (index . 0).Values.topologySpread -}}
topologySpreadConstraints:
  {{- range . }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "slotwright.selector" $ | nindent 8 }}
  {{- end }}
{{- end -}}
{{- end -}}

{{/* A container of the image but for its arguments. Takes (root, resources). */}}
{{- define "slotwright.container" -}}
{{- $root := index . 0 -}}
image: {{ include "slotwright.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml (index . 1) | nindent 2 }}
{{- end -}}
