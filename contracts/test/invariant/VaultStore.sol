// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

/// @notice What a naive bookkeeper knows of the vault: sums of everything that went in and came out.
contract VaultStore {
    struct Stake {
        uint256 deposited;
        uint256 withdrawn;
        uint256 slashed;
        uint256 collected;
        uint256 donated;
    }

    struct Fees {
        uint256 distributed;
        uint256 claimed;
        uint256 donated;
    }

    Stake public stake;
    Fees public fees;
    /// @notice Stake that an account put in and got back, over all pools.
    mapping(address account => uint256) public put;
    mapping(address account => uint256) public got;
    /// @notice Thaws since the pool began; each may leave less than one base unit in the pool.
    mapping(address operator => uint256) public thaws;
    uint256[] private _tickets;

    function recordDeposit(address account, uint256 assets) external {
        stake.deposited += assets;
        put[account] += assets;
    }

    function recordThaw(address operator, uint256 ticketId) external {
        ++thaws[operator];
        _tickets.push(ticketId);
    }

    function recordWithdrawal(address account, uint256 position, uint256 assets) external {
        stake.withdrawn += assets;
        got[account] += assets;
        _tickets[position] = _tickets[_tickets.length - 1];
        _tickets.pop();
    }

    function recordSlash(uint256 taken) external {
        stake.slashed += taken;
    }

    function recordCollection(uint256 amount) external {
        stake.collected += amount;
    }

    function recordDistribution(uint256 amount) external {
        fees.distributed += amount;
    }

    function recordClaim(uint256 amount) external {
        fees.claimed += amount;
    }

    function recordDonations(uint256 stakeAmount, uint256 feeAmount) external {
        stake.donated += stakeAmount;
        fees.donated += feeAmount;
    }

    /// @notice Tickets that were not withdrawn, in no order.
    function tickets() external view returns (uint256[] memory) {
        return _tickets;
    }
}
