# shellcheck shell=bash
# An editor for kubectl edit: applies $SED to the file. A second time it shows what kubectl wrote on top, and changes nothing.
if [[ -e $HOME/edited ]]; then
  sed -n '/^# /p' "$1" | sed '/^# Please edit/,+2d'
else
  sed -i "$SED" "$1"
fi
[[ -z $ONCE ]] || touch "$HOME/edited"
