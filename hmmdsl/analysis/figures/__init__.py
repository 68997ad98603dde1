"""How each kind of analysis is drawn. Figures are made without pyplot; colours and sizes come from the style in force."""
