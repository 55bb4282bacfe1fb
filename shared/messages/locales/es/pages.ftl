### Nuestras propias páginas: vincular, carrito, ajustes, errores. Cada clave empieza por `page-`.

## El marco

page-skip = Ir al contenido
page-nav = Principal
page-nav-cart = Carrito
page-nav-settings = Ajustes
page-nav-sign-in = Entrar
page-nav-how = Cómo funciona
page-languages = Idioma
page-support = Ayuda de una persona
page-button-sign-out = Salir

## Cómo funciona (la página de inicio de la vinculación)

page-start-title = Añade a tu carrito de { $brand } respondiendo a una publicación
page-start-lead = Ves algo que te gusta en tu cronología. Responde a la publicación y te esperará en tu carrito. Nada que instalar, y te quedas donde estás.
page-start-step-1-title = Vincula tu cuenta una vez
page-start-step-1-text = Demuestra que una cuenta es tuya e indica una dirección de correo. Se tarda un minuto.
page-start-step-2-title = Responde a una publicación
page-start-step-2-text = Cuando una publicación muestre uno de nuestros productos, responde con #{ $tag }. Añade «x2» si quieres dos, o una talla.
page-start-step-3-title = Compra cuando quieras
page-start-step-3-text = El producto se queda en tu carrito hasta que lo quites o lo compres. Responder a una publicación nunca compra nada.
page-start-link-title = Vincular una cuenta
page-start-link-button = Vincular { $network }
page-start-link-at-network = Abre { $network } y elige allí «vincular mi cuenta».
page-start-link-none = Estamos preparando la vinculación. Vuelve un poco más tarde.
page-start-have-account = ¿Ya la has vinculado?
page-start-faq-title = Preguntas y respuestas
page-faq-what-q = ¿Qué hace esto?
page-faq-what-a = Lee las publicaciones que llevan #{ $tag }, encuentra el producto en la publicación a la que respondiste y lo pone en tu carrito de { $brand }. Recibes un correo y, donde la red lo permite, una breve respuesta.
page-faq-say-q = ¿Qué puedo escribir?
page-faq-say-add = #{ $tag } pone el producto en tu carrito. «x2» fija la cantidad; «talla M» o «rojo» elige.
page-faq-say-remove = #{ $tag } con «quitar» lo saca de nuevo. Borrar tu publicación hace lo mismo.
page-faq-say-wish = #{ $tag } lo pone en tu lista de deseos.
page-faq-say-help = «ayuda», «parar» y «empezar» junto a la etiqueta hacen lo que dicen.
page-faq-public-q = ¿Qué se hace público?
page-faq-public-a = Si escribes en público, tu publicación es pública: quien pueda leerla ve que te interesaba. Nuestra respuesta es tan pública como tu publicación. No contiene precio, código ni dirección y, con algunos productos, ni siquiera el nombre. Tu carrito, tu lista de deseos y tu correo no se muestran a nadie.
page-faq-keep-q = ¿Qué guardáis y durante cuánto tiempo?
page-faq-keep-account = El identificador y el nombre de la cuenta que vinculas y tu dirección de correo, hasta que desvincules la cuenta o lo borres todo.
page-faq-keep-cart = Tu carrito y tu lista de deseos, hasta que quites o compres cosas. No guardamos el texto de tus publicaciones.
page-faq-keep-parked = Si tu cuenta aún no está vinculada: lo que pediste, durante { $days ->
    [one] un día
   *[other] { $days } días
  }, para que no se pierda cuando la vincules. Después se borra.
page-faq-keep-access = De { $network } sabemos quién eres y nada más. No podemos publicar en tu nombre ni conservamos acceso a tu cuenta.
page-faq-keep-cookies = Cookies solo para lo que haces aquí: una mantiene tu sesión { $days } días como máximo, otra protege los formularios y otra recuerda el idioma. Nada que te siga a otros sitios.
page-faq-stop-q = ¿Cómo lo dejo?
page-faq-stop-a = Escribe «parar» junto a la etiqueta, usa el enlace de cualquiera de nuestros correos o desactiva respuestas y correos en tus ajustes. Allí también puedes desvincular una cuenta o borrarlo todo de una vez.
page-faq-which-q = ¿Qué redes puedo vincular?
page-faq-which-a = Por ahora: { $networks }. Puedes vincular varias a un mismo carrito.
page-faq-not-linked-q = Respondí antes de vincular. ¿Se ha perdido?
page-faq-not-linked-a = No. Lo guardamos { $days ->
    [one] un día
   *[other] { $days } días
  }. En cuanto vincules esa cuenta, pasa a tu carrito.

## Vincular una cuenta

page-email-title = ¿Dónde te escribimos?
page-email-lead = Has demostrado que esta cuenta es tuya. Indica ahora una dirección de correo: tu carrito le pertenece.
page-email-label = Dirección de correo
page-email-hint = Enviamos un enlace para confirmarla. Después, solo lo que pidas.
page-email-button = Enviarme el enlace
page-email-not-you = ¿No es tu cuenta?
page-email-start-over = Empezar de nuevo
page-email-invalid = Esto no parece una dirección de correo. Necesita una parte antes de la @ y otra después, como nombre@example.com.
page-fault-summary = Revisa una cosa
page-inbox-title = Mira tu buzón
page-inbox-lead = Si esa dirección puede recibir correo, un mensaje con un enlace está en camino. El enlace vale una vez y durante { $minutes } minutos.
page-inbox-spam = ¿No llega nada? Mira en la carpeta de correo no deseado o espera un minuto e inténtalo de nuevo.
page-inbox-again = Usar otra dirección
page-confirm-title = ¿Vincular esta cuenta a tu carrito?
page-confirm-lead = A partir de ahora, lo que esta cuenta pida respondiendo a publicaciones irá al carrito de { $email }.
page-confirm-warn = Continúa solo si esta cuenta es tuya y lo acabas de pedir. Si no la conoces, cierra esta página: no pasa nada.
page-confirm-button = Sí, vincular
page-linked-title = Vinculada
page-linked-lead = A partir de ahora, responde a una publicación con #{ $tag } y el producto llegará a tu carrito.
page-linked-released = { $posts ->
    [one] Una publicación tuya anterior está llegando ahora a tu carrito:
   *[other] { $posts } publicaciones tuyas anteriores están llegando ahora a tu carrito:
  }
page-linked-moment = Tarda unos segundos. También recibirás un correo por cada una.
page-linked-button = Abrir mi carrito
page-refused-title = Has dicho que no
page-refused-lead = { $network } nos dice que no lo has permitido, así que no se ha vinculado nada.
page-link-expired-title = Este enlace ya no vale
page-link-expired-lead = Por seguridad valía una sola vez y poco tiempo. Si lo usaste tú, todo está bien: tu cuenta está vinculada. Si no, empieza de nuevo: es un momento.
page-link-broken-title = Este enlace no es correcto
page-link-broken-lead = Le falta una parte o cambió por el camino. Empieza de nuevo desde el principio.
page-link-browser-title = Empieza de nuevo en este navegador
page-link-browser-lead = Por tu seguridad, este paso debe terminar en el navegador en el que empezó, con las cookies permitidas.
page-button-start-over = Empezar de nuevo
page-too-many-title = Han sido muchos en poco tiempo
page-too-many-lead = Para proteger los buzones enviamos solo unos pocos enlaces por hora. Inténtalo más tarde.

## Entrar

page-sign-in-title = Entrar
page-sign-in-lead = Sin contraseña. Indica tu dirección de correo y te enviamos un enlace.
page-sign-in-button = Enviarme un enlace
page-sign-in-new = ¿Es tu primera vez?
page-sign-in-new-link = Mira cómo funciona y vincula una cuenta
page-sign-in-sent-lead = Si conocemos esta dirección, un mensaje con un enlace está en camino. El enlace vale una vez y durante { $minutes } minutos.
page-enter-title = Abrir tu carrito
page-enter-lead = Un clic, para que solo lo abras tú y no un programa que revisa tu correo.
page-enter-button = Abrir mi carrito

## El carrito

page-cart-title = Tu carrito
page-cart-empty-title = Aún no hay nada
page-cart-empty-text = Responde con #{ $tag } a una publicación que muestre uno de nuestros productos y te esperará aquí.
page-cart-market = { $brand } · { $host }
page-cart-products = { $count ->
    [one] un producto
   *[other] { $count } productos
  }
page-cart-quantity = Cantidad de { $title }
page-cart-update = Actualizar la cantidad de { $title }
page-cart-less = Uno menos de { $title }
page-cart-more = Uno más de { $title }
page-cart-remove = Quitar
page-cart-to-wish = Pasar a la lista de deseos
page-cart-to-cart = Pasar al carrito
page-cart-total = Total
page-cart-total-part = Total sin los precios que se ven al pagar
page-cart-at-checkout = Precio al pagar
page-cart-total-at-checkout = Se ve al pagar
page-cart-checkout = Ir a pagar
page-cart-checkout-note = Compras en { $host }. Antes no se pide nada.
page-cart-checkout-none = Ahora mismo no se puede comprar nada de esto.
page-checkout-parts-title = Tu carrito pasa por partes
page-checkout-parts-lead = Es demasiado largo para un solo paso. Abre las partes una tras otra; la tienda las junta.
page-checkout-part = Parte { $part }
page-cart-wishes = Lista de deseos
page-cart-choices = Espera tu elección
page-cart-choice = ¿Cuál quieres?
page-cart-choose = Añadir al carrito
page-cart-choose-wish = A la lista de deseos
page-cart-dismiss = No, gracias
page-cart-gone = Ya no está en el catálogo
page-state-in-stock = Disponible
page-state-out-of-stock = Agotado por ahora
page-state-preorder = Reserva anticipada
page-state-preorder-on = Reserva anticipada: disponible el { $date }
page-state-backorder = Pedido pendiente
page-state-backorder-on = Pedido pendiente: se espera el { $date }
page-state-price-was = antes
page-told-Added = Añadido a tu carrito.
page-told-QuantityChanged = Cantidad cambiada.
page-told-AlreadyInCart = Eso ya está en tu carrito.
page-told-Preordered = Añadido a tu carrito como reserva anticipada.
page-told-Removed = Quitado.
page-told-NotInCart = Eso ya no estaba.
page-told-Wished = En tu lista de deseos.
page-told-Superseded = Ya lo cambiaste después; vale el cambio posterior.
page-told-OutOfStock = Eso está agotado por ahora.
page-told-DealExcluded = Es una oferta limitada: solo puedes comprarla en la tienda.
page-told-DigitalExcluded = Es una descarga: solo puedes comprarla en la tienda.
page-told-Restricted = Eso solo puede comprarse en la tienda.
page-told-WrongMarketplace = Eso lo vende otra de nuestras tiendas.
page-told-ChooseOption = Elige primero.
page-told-QuantityCapped = No se puede más de { $got }; tu carrito tiene ahora { $got }.
page-told-UnknownProduct = Ya no conocemos este producto.
page-told-CartFull = Tu carrito está lleno. Quita algo primero.
page-told-TooOld = Hace demasiado tiempo de eso.
page-told-RateLimited = Han sido muchos en poco tiempo. Inténtalo de nuevo en unos minutos.
page-told-Blocked = Esto no se puede hacer.

## Ajustes

page-settings-title = Ajustes
page-settings-replies = Respuestas a mis publicaciones
page-settings-replies-hint = Una breve respuesta pública dice que tu publicación ha llegado, donde la red lo permite.
page-settings-mails = Correos sobre mi carrito
page-settings-mails-hint = Un correo tras cada publicación. Los enlaces para confirmar y entrar llegan siempre.
page-settings-mails-undeliverable = Los correos a tu dirección volvieron, así que dejamos de enviarlos. Vuelve a activarlos cuando funcione.
page-settings-on = Sí
page-settings-off = No
page-settings-turn-on = Activar
page-settings-turn-off = Desactivar
page-settings-turn-on-named = Activar: { $what }
page-settings-turn-off-named = Desactivar: { $what }
page-settings-language = Idioma de correos y páginas
page-settings-save = Guardar
page-settings-accounts = Cuentas vinculadas
page-settings-accounts-none = No hay ninguna cuenta vinculada.
page-settings-linked-since = Vinculada el { $date }
page-settings-unlink = Desvincular
page-settings-unlink-named = Desvincular { $account }
page-settings-link-more = Vincular otra cuenta
page-settings-email = Tu dirección
page-settings-session = Este dispositivo
page-settings-session-hint = Aquí tu sesión dura hasta { $days } días.
page-settings-delete-title = Borrarlo todo
page-settings-delete-hint = Tu carrito, tu lista de deseos, las cuentas vinculadas y la dirección. No se puede deshacer.
page-settings-delete-button = Borrar mis datos
page-settings-saved = Guardado.
page-settings-unlinked = Desvinculada.
page-delete-title = ¿Borrarlo todo?
page-delete-lead = Borramos tu carrito y tu lista de deseos, tus ajustes, tus cuentas vinculadas y tu dirección de correo, de inmediato y para siempre. Los pedidos en la tienda no se tocan.
page-delete-button = Sí, borrarlo todo
page-delete-keep = Conservarlo
page-deleted-title = Borrado
page-deleted-lead = Todo lo que sabíamos de ti ha desaparecido. Si quieres, puedes empezar de nuevo cuando quieras.

## Darse de baja

page-unsubscribe-title = ¿No más correos?
page-unsubscribe-lead = Dejaremos de enviar correos sobre tu carrito a { $email }. Tu carrito se queda como está.
page-unsubscribe-button = Dejar de recibir correos
page-unsubscribed-title = Ya no recibirás estos correos
page-unsubscribed-lead = ¿Has cambiado de idea? Actívalos de nuevo en tus ajustes.

## Errores

page-error-400-title = No hemos podido leerlo
page-error-400-lead = Faltaba algo en la petición o estaba dañado. Vuelve atrás e inténtalo de nuevo.
page-error-401-title = Entra primero
page-error-401-lead = Esta página es solo tuya, así que necesitamos saber que eres tú.
page-error-403-title = Este formulario ha caducado
page-error-403-lead = Por tu seguridad no lo hemos aceptado: estuvo abierto demasiado tiempo o no venía de esta página. Vuelve a cargar la página e inténtalo de nuevo.
page-error-404-title = Aquí no hay nada
page-error-404-lead = Puede que la dirección tenga una errata o que la página se haya movido.
page-error-405-title = Así no
page-error-405-lead = Esta dirección no se puede usar así. Empieza por el carrito.
page-error-410-title = Este enlace ya no vale
page-error-410-lead = Los enlaces de nuestros correos valen una vez y por tiempo limitado. Pide uno nuevo.
page-error-503-title = Un momento, por favor
page-error-503-lead = Algo que necesitamos no responde ahora mismo. No se ha perdido nada; inténtalo de nuevo en un minuto.
page-error-home = Al inicio
page-error-cart = Al carrito
page-error-retry = Intentarlo de nuevo
