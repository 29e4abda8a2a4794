//! MCP over standard input and output, for one caller, until the input ends.

use model::Principal;
use rmcp::ServiceExt;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::Door;
use crate::server::Server;

impl Door {
    /// Serves the client that started this process, as `principal`, until its end of the pipe closes.
    pub async fn stdio(&self, principal: Principal) -> Result<(), String> {
        let (input, output) = rmcp::transport::stdio_pipes();
        self.serve(input, output, principal).await
    }

    /// Serves one client over a pair of pipes.
    pub async fn serve<R, W>(&self, input: R, output: W, principal: Principal) -> Result<(), String>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let server = Server::new(self.gate.clone(), self.settings.clone()).always(principal);
        let running = match server.serve((input, output)).await {
            Ok(running) => running,
            // The client left before it said anything.
            Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        running.waiting().await.map(drop).map_err(|error| error.to_string())
    }
}
